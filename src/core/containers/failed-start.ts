import { EngineError, messageOf } from "#lib/errors";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";
import { explainExecFormat } from "./platform.ts";
import { transition } from "./state.ts";

/** `docker run` tells these apart by code and by the words in the message (engine-api notes 10). */
const CANNOT_INVOKE = 126;
const NOT_FOUND = 127;
const UNKNOWN = 128;

/** Keeps why a start failed in the record, tells whoever waits, and gives the error for the user. */
export async function recordFailedStart(context: Context, id: ContainerID, cause: unknown): Promise<EngineError> {
  const container = context.store.find(id);
  if (!container) return asEngineError(cause);
  const exitCode = exitCodeOf(cause);
  const image = await context.images.find(container.imageID);
  const error = startError(container.name, explainExecFormat(cause, image, context.host.architecture), exitCode);
  await context.locks.run(id, () => {
    const { state: before } = context.store.get(id);
    const state = transition(before, { type: "start-failed", exitCode, error: error.message });
    if (state) context.store.update(id, { state, desired: "stop" });
  });
  await context.store.durable();
  context.logger.error("start failed", { container: id, error: messageOf(cause) });
  // Without the error, as Docker: whoever started it is told, and clients take an error for a failure of the wait.
  context.waiters.wake("exit", id, { statusCode: exitCode });
  return error;
}

function startError(name: string, cause: unknown, exitCode: number): EngineError {
  const inner = asEngineError(cause);
  // A failed step of the plan is nothing that its errno means elsewhere. Nor is anything else a 404: the container is there.
  const isStep = "errno" in inner.data;
  const isOther = isStep || inner.kind === "not-found";
  const kind = exitCode !== UNKNOWN ? "invalid-parameter" : isOther ? "internal" : inner.kind;
  const message = isStep ? `failed to start container "${name}": ${inner.message}` : inner.message;
  return new EngineError(kind, message, { cause, data: { exitCode } });
}

function exitCodeOf(cause: unknown): number {
  const message = messageOf(cause);
  if (/executable file not found|no such file or directory/.test(message)) return NOT_FOUND;
  return /permission denied|is a directory/.test(message) ? CANNOT_INVOKE : UNKNOWN;
}

function asEngineError(cause: unknown): EngineError {
  return cause instanceof EngineError ? cause : new EngineError("internal", messageOf(cause), { cause });
}
