import { EngineError, messageOf } from "#lib/errors";
import { temporary } from "./errors.ts";

/** What a connection that could not be made, or that broke, is in the words of Go's client. */
export function connectionError(cause: unknown, url: URL): EngineError {
  // The source of a body that is on its way out has errors of its own.
  if (cause instanceof EngineError) return cause;
  const code = (cause as { code?: unknown } | undefined)?.code;
  const known = typeof code === "string" && Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  if (!known) return new EngineError("unavailable", cleanMessage(cause), { cause });
  const message = known.say(url);
  const data = { connection: code, ...(known.isTemporary && { temporary: true }) };
  return new EngineError("unavailable", message, { cause, data });
}

/** The server speaks no TLS, or breaks the handshake off. */
export function isHandshakeFailure(error: unknown): boolean {
  return error instanceof EngineError && error.data.connection === "EPROTO";
}

export function timeoutError(limitMs: number): EngineError {
  return temporary(`context deadline exceeded (nothing came for ${Math.round(limitMs / 1000)} s)`);
}

interface Reason {
  readonly say: (url: URL) => string;
  readonly isTemporary?: boolean;
}

const UNKNOWN_AUTHORITY: Reason = {
  say: () => "tls: failed to verify certificate: x509: certificate signed by unknown authority",
};
const OUT_OF_DATE: Reason = {
  say: () => "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
};
const BROKEN: Reason = { say: () => "EOF", isTemporary: true };
const UNREACHABLE: Reason = { say: (url) => `dial tcp ${addressOf(url)}: connect: no route to host` };
const MALFORMED: Reason = { say: () => "net/http: HTTP/1.x transport connection broken: malformed HTTP response" };

/** By the codes of Bun, which are those of the system, of OpenSSL and its own. */
const REASONS: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: { say: (url) => `dial tcp ${addressOf(url)}: connect: connection refused` },
  ENOTFOUND: { say: (url) => `dial tcp: lookup ${url.hostname}: no such host` },
  EAI_AGAIN: {
    say: (url) => `dial tcp: lookup ${url.hostname}: temporary failure in name resolution`,
    isTemporary: true,
  },
  ETIMEDOUT: { say: (url) => `dial tcp ${addressOf(url)}: i/o timeout`, isTemporary: true },
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ECONNRESET: BROKEN,
  ECONNABORTED: BROKEN,
  ConnectionClosed: BROKEN,
  EPIPE: { say: () => "write: broken pipe", isTemporary: true },
  EPROTO: { say: () => "remote error: tls: handshake failure" },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: OUT_OF_DATE,
  CERT_NOT_YET_VALID: OUT_OF_DATE,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    say: (url) => `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`,
  },
  FailedToOpenSocket: {
    say: (url) => `tls: certificates for ${url.host} cannot be read: look into the folder certs.d/${url.host}`,
  },
  Malformed_HTTP_Response: MALFORMED,
  InvalidHTTPResponse: MALFORMED,
  ResponseHeadersTooLarge: { say: () => "net/http: server response headers exceeded the limit" },
};

function addressOf(url: URL): string {
  return url.port === "" ? `${url.host}:${url.protocol === "https:" ? 443 : 80}` : url.host;
}

function cleanMessage(cause: unknown): string {
  return messageOf(cause)
    .replace(/ For more information, pass `verbose: true`.*/s, "")
    .replace(/ ?fetching "[^"]*"\.?/, "");
}
