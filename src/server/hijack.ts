import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpResponse } from "#lib/http";
import { join } from "#lib/stream";
import type { ApiRequest } from "./router.ts";

export const RAW_STREAM = "application/vnd.docker.raw-stream";
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

// The first version whose responses say whether their stream is framed.
const NAMES_FRAMING = 42;

// docker-py reads the head through a buffer and what follows around it: output that arrives before it has read the head is
// lost to it. No process that dockerd starts is that quick; ours are.
const HASTY_CLIENT = "docker-sdk-python/";
const HEAD_READ_MS = 20;

/** What a stream of stdio is announced as. The framing itself depends on the terminal only. */
export function streamType(version: number, tty: boolean): string {
  return version >= NAMES_FRAMING && !tty ? MULTIPLEXED_STREAM : RAW_STREAM;
}

/**
 * Turns the request's connection into the stdio (engine-api notes 5.1): with 101 for a client that asks for an
 * upgrade, else with the plain 200 of old clients, to which the stream follows. The stdio may come later than the head.
 */
export function hijack(
  request: ApiRequest,
  stdio: Duplex | Promise<Duplex>,
  options: { tty: boolean; input: boolean },
): HttpResponse {
  const take = async (connection: Duplex) => {
    if (request.headers.get("user-agent")?.startsWith(HASTY_CLIENT)) await sleep(HEAD_READ_MS);
    return join(connection, await stdio, { input: options.input });
  };
  if (!request.headers.has("upgrade")) return { status: 200, headers: { "Content-Type": RAW_STREAM }, hijack: take };
  return {
    status: 101,
    reason: "UPGRADED",
    headers: {
      "Content-Type": streamType(request.version, options.tty),
      Connection: "Upgrade",
      Upgrade: "tcp",
    },
    hijack: take,
  };
}
