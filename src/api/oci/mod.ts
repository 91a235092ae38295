/** OCI documents: the runtime specification's `config.json`. */
export type * from "./runtime-spec.ts";
