import { EngineError, isKind } from "#lib/errors";
import type { Challenge } from "./challenge.ts";
import type { Connection } from "./connections.ts";
import type { Credentials, LoginResult } from "./distribution.ts";
import { DOCKER_HUB, registryEndpoint } from "./endpoint.ts";
import { noBasicCredentials, requestError } from "./errors.ts";
import { follow } from "./follow.ts";
import { isHost } from "./insecure.ts";
import type { SessionParts } from "./session.ts";
import { basicAuthorization } from "./tokens.ts";

const SUCCEEDED = "Login Succeeded";
const TIMEOUT_MS = 30_000;
/** Names of Docker Hub in credentials. */
const HUB_ALIASES = ["", "index.docker.io", "registry-1.docker.io", DOCKER_HUB];

/** Shows credentials to the registry that they are for. */
export async function logIn(parts: SessionParts, credentials: Credentials, signal: AbortSignal): Promise<LoginResult> {
  const endpoint = registryEndpoint(hostOf(credentials.serverAddress ?? ""));
  // What is remembered of an earlier answer may be what the user is about to mend.
  parts.connections.forget(endpoint);
  const connection = await parts.connections.open(endpoint, signal);
  const url = new URL("v2/", connection.base.href);
  const proof = await prove(parts, connection, { credentials, signal, url });
  const privateHeaders = proof.authorization === undefined ? {} : { Authorization: proof.authorization };
  const exchange = { method: "GET", trust: connection.trust, signal, timeoutMs: TIMEOUT_MS, privateHeaders } as const;
  await using answer = await follow(parts.wire, url, exchange);
  if (answer.status !== 200) throw refused(url, answer.status);
  return { status: SUCCEEDED, identityToken: proof.identityToken };
}

interface Login {
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly url: URL;
}

async function prove(
  { tokens }: SessionParts,
  connection: Connection,
  { credentials, signal, url }: Login,
): Promise<{ authorization: string | undefined; identityToken: string }> {
  const find = (name: string): Challenge | undefined => connection.challenges.find(({ scheme }) => scheme === name);
  const challenge = find("bearer");
  if (credentials.registryToken) return { authorization: `Bearer ${credentials.registryToken}`, identityToken: "" };
  try {
    if (challenge) {
      const token = await tokens.fetch({ connection, challenge, scopes: [], credentials, signal, offline: true });
      return { authorization: `Bearer ${token.value}`, identityToken: token.refreshToken };
    }
    const authorization = basicAuthorization(credentials);
    if (find("basic") && authorization === undefined) throw noBasicCredentials();
    return { authorization: find("basic") && authorization, identityToken: "" };
  } catch (error) {
    throw error instanceof EngineError && !isKind(error, "canceled") ? requestError("GET", url, error) : error;
  }
}

function refused(url: URL, status: number): EngineError {
  const reason = new Map([
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "Not Found"],
    [500, "Internal Server Error"],
    [502, "Bad Gateway"],
    [503, "Service Unavailable"],
  ]).get(status);
  const message = `login attempt to ${url.href} failed with status: ${status} ${reason ?? ""}`.trimEnd();
  return new EngineError(status === 401 || status === 403 ? "unauthorized" : "unavailable", message);
}

/** Of `https://index.docker.io/v1/`, `example.com:5000`, `http://example.com/v2/`. @throws `invalid-parameter` */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//i, "").split("/", 1)[0] ?? "";
  if (HUB_ALIASES.includes(host)) return DOCKER_HUB;
  if (isHost(host)) return host;
  throw new EngineError(
    "invalid-parameter",
    `unable to parse server address: ${JSON.stringify(address)} names no host`,
  );
}
