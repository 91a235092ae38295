/** `config.json` of the OCI runtime specification 1.2, as far as Linux containers use it. */
export interface Spec {
  readonly ociVersion: string;
}
