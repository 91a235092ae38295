import { existsSync } from "node:fs";
import type { EngineError } from "#lib/errors";
import { DEFAULT_HOST } from "./config/resolve-endpoint.ts";

const DOCKER_SOCKET = "/var/run/docker.sock";

/** What to tell a user whose engine could not be reached, and what to do about it. */
export function connectionAdvice(error: EngineError): string {
  const host = String(error.data.host);
  if (error.kind === "forbidden") {
    return `permission denied while trying to connect to the tug daemon at ${host}
Run the command as root, or as a member of the group that owns the socket.`;
  }
  const lines = [`Cannot connect to the tug daemon at ${host}. Is the tug daemon running?`];
  const reason = (error.cause as { message?: unknown } | undefined)?.message;
  if (host.startsWith("tcp://") && typeof reason === "string") lines.push(`Reason: ${reason}`);
  if (host === DEFAULT_HOST) {
    lines.push("Start it with 'tugd', or name another engine with --host, TUG_HOST or DOCKER_HOST.");
    if (existsSync(DOCKER_SOCKET)) lines.push(`A Docker daemon listens here: tug -H unix://${DOCKER_SOCKET} …`);
  }
  return lines.join("\n");
}
