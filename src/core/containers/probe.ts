import { rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { FrameDecoder } from "#lib/stream";
import type { Container } from "./container.ts";
import { type Context, emit, type Task } from "./context.ts";
import { launchExec } from "./exec-monitor.ts";
import type { HealthCheck } from "./health-check.ts";
import { SIGKILL } from "./kill.ts";
import { newID } from "./names.ts";

/** As much of its output as Docker keeps. */
const OUTPUT_LIMIT_BYTES = 4096;
const TIMED_OUT = -1;

/** Runs a health check once, and kills it when its time is up. */
export async function runProbe(
  context: Context,
  { container, task, check }: { container: Container; task: Task; check: HealthCheck },
): Promise<{ exitCode: number; output: string }> {
  const id = newID(context.random);
  const config = {
    command: check.command,
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
  emit(context, `exec_create: ${check.command.join(" ")}`, container, { execID: id });
  try {
    const size = { width: 0, height: 0 };
    const monitor = await launchExec(context, { id, config, container, task, attached: true, size });
    const output = collect(await monitor.attach({ stdin: false, stdout: true, stderr: true }));
    emit(context, `exec_start: ${check.command.join(" ")}`, container, { execID: id });
    let isLate = false;
    const cancel = context.clock.after(check.timeoutMs, () => {
      isLate = true;
      void monitor.signal(SIGKILL);
    });
    try {
      await monitor.started;
      const { exitCode } = await monitor.exited;
      if (isLate) return { exitCode: TIMED_OUT, output: `Health check exceeded timeout (${check.timeoutMs}ms)` };
      emit(context, "exec_die", container, { execID: id, exitCode: String(exitCode) });
      return { exitCode, output: await output };
    } finally {
      cancel();
      monitor.close();
    }
  } finally {
    await rm(context.layout.exec(container.id, id).path, { recursive: true, force: true });
  }
}

/** The beginning of what it says; the rest is read and dropped, so that it is never held up. */
async function collect(stream: Duplex): Promise<string> {
  const decoder = new FrameDecoder();
  let text = Buffer.alloc(0);
  for await (const chunk of stream) {
    for (const { payload } of decoder.decode(chunk as Buffer)) {
      if (text.length < OUTPUT_LIMIT_BYTES) text = Buffer.concat([text, payload]);
    }
  }
  const isCut = text.length > OUTPUT_LIMIT_BYTES;
  return text.subarray(0, OUTPUT_LIMIT_BYTES).toString() + (isCut ? "..." : "");
}
