import { rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import type { Monitor } from "#executor";
import { FrameDecoder } from "#lib/stream";
import type { Container, ExecConfig } from "./container.ts";
import { type Context, emit, type Task } from "./context.ts";
import { endMonitor } from "./end-monitor.ts";
import { launchExec } from "./exec-monitor.ts";
import type { HealthCheck } from "./health-check.ts";
import { newID } from "./names.ts";

/** As much of its output as Docker keeps. */
const OUTPUT_LIMIT_BYTES = 4096;
const TIMED_OUT = -1;

interface Probe {
  readonly container: Container;
  readonly task: Task;
  readonly check: HealthCheck;
}

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs a health check once, and kills it when its time is up. */
export async function runProbe(context: Context, { container, task, check }: Probe): Promise<Outcome> {
  const id = newID(context.random);
  const config: ExecConfig = { ...PROBE, command: check.command };
  const tell = (action: string, attributes = {}) => emit(context, action, container, { execID: id, ...attributes });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(context.layout.exec(container.id, id).path, { recursive: true, force: true }));
  tell(`exec_create: ${check.command.join(" ")}`);
  const monitor = await launchExec(context, { id, config, container, task, attached: true, size: NO_TERMINAL });
  undo.defer(() => endMonitor(monitor));
  const output = collect(await monitor.attach({ stdin: false, stdout: true, stderr: true }));
  tell(`exec_start: ${check.command.join(" ")}`);
  const exitCode = await exitWithin(context, monitor, check.timeoutMs);
  if (exitCode === undefined)
    return { exitCode: TIMED_OUT, output: `Health check exceeded timeout (${check.timeoutMs}ms)` };
  tell("exec_die", { exitCode: String(exitCode) });
  return { exitCode, output: await output };
}

const NO_TERMINAL = { width: 0, height: 0 };
const PROBE = {
  tty: false,
  attachStdin: false,
  attachStdout: true,
  attachStderr: true,
  detachKeys: "",
  privileged: false,
  user: "",
  workingDir: "",
  env: [],
};

/** Undefined when its time was up, or the daemon's. */
async function exitWithin(context: Context, monitor: Monitor, limitMs: number): Promise<number | undefined> {
  const late = Promise.withResolvers<undefined>();
  const giveUp = () => late.resolve(undefined);
  const cancel = context.clock.after(limitMs, giveUp);
  context.released.signal.addEventListener("abort", giveUp);
  const exit = monitor.started.then(() => monitor.exited);
  try {
    return (await Promise.race([exit, late.promise]))?.exitCode;
  } finally {
    cancel();
    context.released.signal.removeEventListener("abort", giveUp);
  }
}

/** The beginning of what it says; the rest is read and dropped, so that it is never held up. */
async function collect(stream: Duplex): Promise<string> {
  const decoder = new FrameDecoder();
  let text = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      for (const { payload } of decoder.decode(chunk as Buffer)) {
        if (text.length < OUTPUT_LIMIT_BYTES) text = Buffer.concat([text, payload]);
      }
    }
  } catch {
    // A connection that breaks takes no more than the rest of the text: the exit code tells how it went.
  }
  const isCut = text.length > OUTPUT_LIMIT_BYTES;
  return text.subarray(0, OUTPUT_LIMIT_BYTES).toString() + (isCut ? "..." : "");
}
