import { hostname } from "node:os";
import { type Address, formatAddress } from "./address.ts";
import type { ServedCertificate } from "./certificate.ts";
import type { RegistryConfig } from "./config.ts";

/** Tells people how clients come to trust a registry that signed its certificate itself. */
export function trustAdvice(
  authority: NonNullable<ServedCertificate["authority"]>,
  { url, address }: RegistryConfig,
  { port }: Address,
): string {
  const isEverywhere = address.hostname === "::" || address.hostname === "0.0.0.0";
  const name =
    url === undefined
      ? formatAddress({ hostname: isEverywhere ? hostname() : address.hostname, port })
      : new URL(url).host;
  return `
The certificate is signed by this registry's own authority:
  ${authority.path}
  SHA-256 ${authority.fingerprint}

Engines trust it once a copy lies in a folder with the registry's name. On each machine, for docker and tug:
  mkdir -p /etc/docker/certs.d/${name}
  cp ${authority.path} /etc/docker/certs.d/${name}/ca.crt
For skopeo and podman:
  mkdir -p /etc/containers/certs.d/${name}
  cp ${authority.path} /etc/containers/certs.d/${name}/ca.crt
Try it:
  curl --cacert ${authority.path} https://${name}/v2/

`;
}
