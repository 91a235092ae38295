import type { Duplex } from "node:stream";
import type { AttachRequest, Containers, LogsRequest } from "#core/containers";
import { EngineError, messageOf } from "#lib/errors";
import { type HttpResponse, WebSocketStream, websocketHeaders } from "#lib/http";
import { join } from "#lib/stream";
import { demultiplex } from "../demultiplex.ts";
import { invalid, statusOf } from "../errors.ts";
import { hijack, RAW_STREAM, streamType } from "../hijack.ts";
import type { Query } from "../query.ts";
import { empty } from "../reply.ts";
import { type ApiRequest, get, post, type Route } from "../router.ts";
import { resizeOf } from "./resize.ts";

type Backend = Pick<Containers, "get" | "attach" | "logs" | "resize">;

/** What flows between containers and clients: attach, logs, the size of the terminal. */
export function containerStreamRoutes({ containers }: { containers: Backend }): Route[] {
  return [
    post("/containers/{id}/attach", (request) => attach(containers, request)),
    get("/containers/{id}/attach/ws", (request) => attachWebSocket(containers, request)),
    get("/containers/{id}/logs", (request) => logs(containers, request)),
    post("/containers/{id}/resize", async (request) => {
      await containers.resize(request.params.id ?? "", resizeOf(request.query));
      return empty(200);
    }),
  ];
}

async function attach(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const reference = request.params.id ?? "";
  try {
    const { config } = containers.get(reference);
    const options = attachRequest(request.query);
    const stdio = await containers.attach(reference, options);
    return hijack(request, stdio, { tty: config.Tty === true, input: options.stdin });
  } catch (error) {
    // Docker has given up on JSON by then: clients get the bare text (engine-api notes 5.1).
    if (!(error instanceof EngineError)) throw error;
    return { status: statusOf(error), headers: { "Content-Type": RAW_STREAM }, body: `${messageOf(error)}\r\n` };
  }
}

/** The same through a WebSocket, for browsers: never framed, and before 1.42 always with all three streams. */
async function attachWebSocket(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const reference = request.params.id ?? "";
  const { config } = containers.get(reference);
  const headers = websocketHeaders(request);
  if (!headers)
    throw invalid("not a websocket request: it needs Upgrade, Sec-WebSocket-Version 13 and Sec-WebSocket-Key");
  const asked = attachRequest(request.query);
  const options = request.version < 42 ? { ...asked, stdin: true, stdout: true, stderr: true } : asked;
  const stdio = await containers.attach(reference, options);
  const take = (connection: Duplex) =>
    join(new WebSocketStream(connection), stdio, {
      input: options.stdin,
      ...(config.Tty !== true && { output: demultiplex() }),
    });
  return { status: 101, headers, hijack: take };
}

function attachRequest(query: Query): AttachRequest {
  return {
    stdin: query.flag("stdin"),
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    logs: query.flag("logs"),
    stream: query.flag("stream"),
    detachKeys: query.text("detachKeys"),
  };
}

async function logs(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const reference = request.params.id ?? "";
  const options = logsRequest(request.query, request.signal);
  if (!options.stdout && !options.stderr) throw invalid("Bad parameters: you must choose at least one stream");
  const { config } = containers.get(reference);
  return {
    status: 200,
    headers: { "Content-Type": streamType(request.version, config.Tty === true) },
    body: await containers.logs(reference, options),
    endless: options.follow,
  };
}

function logsRequest(query: Query, signal: AbortSignal): LogsRequest {
  return {
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    follow: query.flag("follow"),
    timestamps: query.flag("timestamps"),
    details: query.flag("details"),
    since: query.text("since"),
    until: query.text("until"),
    // Whatever is no number means all lines.
    tail: /^\d{1,15}$/.test(query.text("tail")) ? Number(query.text("tail")) : -1,
    signal,
  };
}
