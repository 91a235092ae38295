import type { TerminalSize } from "./containers.ts";
import type { EngineClient, HijackedStream } from "./engine-client.ts";

export interface ExecRequest {
  readonly User: string;
  readonly Privileged: boolean;
  readonly Tty: boolean;
  readonly ConsoleSize?: readonly [number, number];
  readonly AttachStdin: boolean;
  readonly AttachStderr: boolean;
  readonly AttachStdout: boolean;
  readonly DetachKeys: string;
  readonly Env: readonly string[] | null;
  readonly WorkingDir: string;
  readonly Cmd: readonly string[];
}

export interface ExecStart {
  readonly Detach: boolean;
  readonly Tty: boolean;
  readonly ConsoleSize?: readonly [number, number];
}

export interface ExecState {
  readonly ID: string;
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid: number;
}

/** Asked first of an engine, it costs no request for negotiation: all versions take and answer the same. */
export async function create(engine: EngineClient, container: string, request: ExecRequest): Promise<string> {
  const path = `/containers/${encodeURIComponent(container)}/exec`;
  return (await engine.json<{ Id: string }>("POST", path, { json: request, unversioned: true })).Id;
}

export async function start(engine: EngineClient, exec: string, request: ExecStart): Promise<void> {
  await engine.discard("POST", `/exec/${exec}/start`, { json: request });
}

/** Starts the process with its streams on the connection. */
export function attach(engine: EngineClient, exec: string, request: ExecStart): Promise<HijackedStream> {
  return engine.hijack(`/exec/${exec}/start`, { json: request });
}

export function inspect(engine: EngineClient, exec: string): Promise<ExecState> {
  return engine.json("GET", `/exec/${exec}/json`);
}

export async function resize(engine: EngineClient, exec: string, size: TerminalSize): Promise<void> {
  await engine.discard("POST", `/exec/${exec}/resize`, { query: { h: size.rows, w: size.columns } });
}
