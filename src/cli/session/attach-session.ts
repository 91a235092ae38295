/** A terminal, or pipes, joined to a process in a container over a hijacked connection. */
import { type HijackedStream, OutputDecoder } from "#client";
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from "#lib/stream";
import type { Io } from "../io.ts";

export interface AttachSession {
  readonly io: Io;
  readonly stream: HijackedStream;
  /** The process has a terminal: its output is one unframed stream. */
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Keys that end the session and leave the process running; empty for the usual ones. */
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
  const decoder = new OutputDecoder();
  for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read()) {
    const parts = tty ? [{ stream: "stdout" as const, bytes }] : decoder.push(bytes);
    for (const part of parts) {
      // With input at hand a slow reader of our output must not keep us from reading it.
      if (stdin) await io[part.stream].writeAsync(part.bytes);
      else io[part.stream].write(part.bytes);
    }
  }
}

async function pumpInput({ io, stream, detachKeys }: AttachSession, isRaw: boolean): Promise<"ended" | "detached"> {
  const keys = isRaw ? new DetachKeys(parseDetachKeys(detachKeys) ?? DEFAULT_DETACH_KEYS) : undefined;
  for await (const bytes of io.stdin.read()) {
    const { output, detached } = keys?.scan(bytes) ?? { output: bytes, detached: false };
    if (output.length > 0) await stream.write(output);
    if (detached) return "detached";
  }
  stream.closeWrite();
  return "ended";
}
