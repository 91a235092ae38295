/** A terminal, or pipes, joined to a process in a container over a hijacked connection. */
import { Demultiplexer, type HijackedStream } from "#client";
import { DetachWatcher, parseDetachKeys } from "#lib/term";
import type { Io } from "../io.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

export interface AttachSession {
  readonly io: Io;
  readonly stream: HijackedStream;
  /** The process has a terminal: its output is one unframed stream. */
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Keys that end the session and leave the process running; empty for none. */
  readonly detachKeys: string;
}

/** Joins the streams until the process's output ends, or the user types the detach keys. */
export async function runSession(session: AttachSession): Promise<"ended" | "detached"> {
  const { io, stream, tty, stdin } = session;
  const isRaw = tty && stdin && io.stdin.isTerminal;
  using _rawMode = isRaw ? await io.stdin.enterRawMode() : undefined;
  try {
    const output = pumpOutput(session).then(() => "ended" as const);
    if (!stdin) return await output;
    // Input that fails or ends does not end the session: the process's output may go on.
    const input = pumpInput(session, isRaw).catch(() => "ended" as const);
    const detached = input.then((how) => (how === "detached" ? how : output));
    return await Promise.race([output, detached]);
  } finally {
    stream.close();
  }
}

async function pumpOutput({ io, stream, tty, stdin }: AttachSession): Promise<void> {
  const demultiplexer = new Demultiplexer();
  for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read()) {
    const frames = tty ? [{ stream: "stdout" as const, bytes }] : demultiplexer.push(bytes);
    for (const frame of frames) {
      // With input at hand a slow reader of our output must not keep us from reading it.
      if (stdin) await io[frame.stream].writeAsync(frame.bytes);
      else io[frame.stream].write(frame.bytes);
    }
  }
}

async function pumpInput(
  { io, stream, tty, detachKeys }: AttachSession,
  isRaw: boolean,
): Promise<"ended" | "detached"> {
  const watcher = tty && isRaw ? new DetachWatcher(parseDetachKeys(detachKeys)) : undefined;
  for await (const bytes of io.stdin.read()) {
    const { pass, detached } = watcher?.push(bytes) ?? { pass: bytes, detached: false };
    if (pass.length > 0) await stream.write(pass);
    if (detached) return "detached";
  }
  stream.closeWrite();
  return "ended";
}
