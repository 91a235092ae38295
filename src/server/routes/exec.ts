import { Duplex, Readable } from "node:stream";
import { BODY_SHAPES } from "#api/engine";
import type { Containers, ExecConfig } from "#core/containers";
import { messageOf } from "#lib/errors";
import type { HttpResponse } from "#lib/http";
import { encodeFrame } from "#lib/stream";

import { invalid } from "../errors.ts";
import { hijack } from "../hijack.ts";
import { readJson } from "../json-body.ts";
import { empty, json } from "../reply.ts";
import { type ApiRequest, get, post, type Route } from "../router.ts";
import { execInspect } from "../views/exec.ts";
import { resizeOf } from "./resize.ts";

type Backend = Pick<Containers, "createExec" | "startExec" | "getExec" | "resizeExec">;

/** Further processes in running containers. */
export function execRoutes({ containers }: { containers: Backend }): Route[] {
  return [
    post("/containers/{id}/exec", (request) => create(containers, request)),
    post("/exec/{id}/start", (request) => start(containers, request)),
    post("/exec/{id}/resize", async ({ params, query }) => {
      const size = resizeOf(query);
      await containers.resizeExec(params.id ?? "", size);
      return empty(200);
    }),
    get("/exec/{id}/json", ({ params }) => json(execInspect(containers.getExec(params.id ?? "")))),
  ];
}

interface CreateBody {
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly ConsoleSize?: readonly number[];
  readonly DetachKeys?: string;
  readonly Tty?: boolean;
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Privileged?: boolean;
  readonly User?: string;
  readonly WorkingDir?: string;
}

async function create(containers: Pick<Backend, "createExec">, request: ApiRequest): Promise<HttpResponse> {
  const body = ((await readJson(request, BODY_SHAPES.ContainerExec)) ?? {}) as CreateBody;
  if (!body.Cmd || body.Cmd.length === 0) throw invalid("No exec command specified");
  const config: ExecConfig = {
    command: body.Cmd,
    tty: body.Tty ?? false,
    attachStdin: body.AttachStdin ?? false,
    attachStdout: body.AttachStdout ?? false,
    attachStderr: body.AttachStderr ?? false,
    detachKeys: body.DetachKeys ?? "",
    privileged: body.Privileged ?? false,
    user: body.User ?? "",
    workingDir: body.WorkingDir ?? "",
    env: body.Env ?? [],
    ...consoleSize(body, request.version),
  };
  return json({ Id: await containers.createExec(request.params.id ?? "", config) }, 201);
}

interface StartBody {
  readonly Detach?: boolean;
  readonly Tty?: boolean;
  readonly ConsoleSize?: readonly number[];
}

async function start(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const id = request.params.id ?? "";
  const body = ((await readJson(request, BODY_SHAPES.ExecStart)) ?? {}) as StartBody;
  const exec = containers.getExec(id);
  const tty = body.Tty ?? false;
  const options = { detach: body.Detach ?? false, tty, ...consoleSize(body, request.version) };
  const { stdio } = await containers.startExec(id, options);
  const said = stdio.then((stream) => stream ?? silence());
  if (options.detach) {
    await said;
    return empty(200);
  }
  // The head goes out while the process is still to start: clients that read it and the stream through different buffers
  // (docker-py) would lose output that comes together with it.
  const told = said.catch((error) => failure(error, tty));
  return hijack(request, told, { tty, input: exec.config.attachStdin });
}

/** The stdio of a process that is connected to nothing. */
function silence(): Duplex {
  return Duplex.from(Readable.from([]));
}

/** A stream that says why nothing was started, as if the process did. Clients look for its text there and for the code in inspect. */
function failure(error: unknown, tty: boolean): Duplex {
  const text = `${messageOf(error)}\r\n`;
  return Duplex.from(Readable.from([tty ? Buffer.from(text) : encodeFrame("stdout", text)]));
}

/** `[height, width]`; versions before 1.42 had no such field. */
function consoleSize(
  body: { readonly ConsoleSize?: readonly number[] },
  version: number,
): Pick<ExecConfig, "consoleSize"> {
  const [height = 0, width = 0] = body.ConsoleSize ?? [];
  return version < 42 || (height === 0 && width === 0) ? {} : { consoleSize: { height, width } };
}
