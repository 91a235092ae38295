import { rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import type { Monitor } from "#executor";
import { EngineError, isKind, messageOf } from "#lib/errors";
import { ClientStream } from "./client-stream.ts";
import type { Container, ExecConfig } from "./container.ts";
import type { ExecStart } from "./containers.ts";
import { type Context, emit, settled, type Task } from "./context.ts";
import { detachKeysOf } from "./detach.ts";
import { endMonitor } from "./end-monitor.ts";
import { noExecCommand, notRunning, pausedBeforeExec } from "./errors.ts";
import { findUser, launchExec } from "./exec-monitor.ts";
import { newID } from "./names.ts";
import { isRunning } from "./state.ts";

/** What an exec gets whose monitor was killed. */
const EXIT_CODE_LOST = 137;

export async function createExec(context: Context, reference: string, config: ExecConfig): Promise<string> {
  const { id: containerID } = context.store.resolve(reference);
  await settled(context, containerID);
  const { task, container } = runningTask(context, containerID, reference);
  detachKeysOf(config.detachKeys, { tty: config.tty, stdin: config.attachStdin });
  if (config.command.length === 0 || config.command[0] === "") throw noExecCommand();
  const user = config.user || container.config.User || "";
  if (config.user) await findUser(context, { config, container, task });
  const id: string = newID(context.random);
  context.execs.add({ id, containerID, config: { ...config, user }, state: { status: "created" } });
  emit(context, `exec_create: ${config.command.join(" ")}`, container, { execID: id });
  return id;
}

export async function startExec(
  context: Context,
  id: string,
  options: { detach: boolean; consoleSize?: { width: number; height: number } },
): Promise<ExecStart> {
  const { config, containerID, state } = context.execs.get(id);
  if (state.status === "exited") throw new EngineError("conflict", `exec command ${id} has already run`);
  if (state.status === "running") throw new EngineError("conflict", `exec command ${id} is already running`);
  const { task, container } = runningTask(context, containerID, containerID);
  // Taken at once, so that a second start meanwhile is refused.
  context.execs.setState(id, { status: "running", pid: 0 });
  const stdio = run(context, { id, config, container, task, ...options }).catch(async (error) => {
    context.execs.setState(id, { status: "exited", exitCode: exitCodeOf(error), pid: 0 });
    await rm(context.layout.exec(containerID, id).path, { recursive: true, force: true });
    throw error;
  });
  context.execs.setStart(id, stdio);
  return { stdio };
}

interface ExecRun {
  readonly id: string;
  readonly config: ExecConfig;
  readonly container: Container;
  readonly task: Task;
  readonly detach: boolean;
  readonly consoleSize?: { readonly width: number; readonly height: number };
}

async function run(context: Context, exec: ExecRun): Promise<Duplex | undefined> {
  const { id, config, container, detach } = exec;
  const attached = !detach && (config.attachStdin || config.attachStdout || config.attachStderr);
  const size = exec.consoleSize ?? config.consoleSize ?? { width: 0, height: 0 };
  await using undo = new AsyncDisposableStack();
  const monitor = await launchExec(context, { id, config, container, task: exec.task, attached, size });
  undo.defer(() => endMonitor(monitor));
  const recorded = Promise.withResolvers<void>();
  const attaching = attached ? attachTo(context, monitor, { ...exec, recorded: recorded.promise }) : undefined;
  // A monitor whose program cannot be run is soon gone: that nobody can attach to it is not the reason.
  attaching?.catch(() => undefined);
  emit(context, `exec_start: ${config.command.join(" ")}`, container, { execID: id });
  const started = await monitor.started.catch((error) => failed(attaching, error, config.command[0] ?? ""));
  const stream = await attaching;
  undo.move();
  context.execs.setState(id, { status: "running", pid: started.pid }, monitor);
  const process: RunningExec = { ...exec, monitor, pid: started.pid, recorded: recorded.resolve };
  context.background.run(`end of exec ${id}`, followExec(context, process));
  return stream;
}

/** What the client gets. It sees the end when the exit code is recorded, since that is what it asks for next. */
async function attachTo(
  context: Context,
  monitor: Monitor,
  { id, config, container, recorded }: ExecRun & { recorded: Promise<void> },
): Promise<Duplex> {
  const stream = new ClientStream({
    detachKeys: detachKeysOf(config.detachKeys, { tty: config.tty, stdin: config.attachStdin }),
    onDetach: () => emit(context, "exec_detach", container, { execID: id }),
    endsAfter: recorded,
  });
  stream.connect(
    await monitor.attach({ stdin: config.attachStdin, stdout: config.attachStdout, stderr: config.attachStderr }),
  );
  return stream;
}

interface RunningExec extends ExecRun {
  readonly monitor: Monitor;
  readonly pid: number;
  /** Called when everybody can see how it ended. */
  readonly recorded: () => void;
}

async function followExec(context: Context, { id, container, monitor, pid, recorded }: RunningExec): Promise<void> {
  const exitCode = await monitor.exited.then((record) => record.exitCode, codeOfLost);
  if (exitCode !== undefined) context.execs.setState(id, { status: "exited", exitCode, pid });
  recorded();
  // This daemon ends; the process goes on without it.
  if (exitCode === undefined) return;
  monitor.close();
  await rm(context.layout.exec(container.id, id).path, { recursive: true, force: true });
  const current = context.store.find(container.id);
  if (current) emit(context, "exec_die", current, { execID: id, exitCode: String(exitCode) });
}

function codeOfLost(error: unknown): number | undefined {
  return isKind(error, "canceled") ? undefined : EXIT_CODE_LOST;
}

export async function resizeExec(context: Context, id: string, size: { width: number; height: number }): Promise<void> {
  await context.execs.settled(id);
  const { state } = context.execs.get(id);
  const monitor = context.execs.monitorOf(id);
  if (state.status !== "running" || !monitor) throw new EngineError("conflict", `exec process ${id} is not running`);
  await monitor.resize(size);
}

function runningTask(context: Context, id: Container["id"], reference: string): { task: Task; container: Container } {
  const container = context.store.get(id);
  const task = context.tasks.get(id);
  if (container.state.status === "paused") throw pausedBeforeExec(reference);
  if (!isRunning(container.state) || !task) throw notRunning(id);
  return { task, container };
}

function failed(attaching: Promise<Duplex> | undefined, error: unknown, program: string): never {
  void attaching?.then(
    (stream) => stream.destroy(),
    () => undefined,
  );
  const kind = exitCodeOf(error) === 128 ? "internal" : "invalid-parameter";
  throw new EngineError(kind, `failed to start exec of "${program}": ${messageOf(error)}`, { cause: error });
}

function exitCodeOf(error: unknown): number {
  const message = messageOf(error);
  if (/executable file not found|no such file or directory/.test(message)) return 127;
  return /permission denied|is a directory/.test(message) ? 126 : 128;
}
