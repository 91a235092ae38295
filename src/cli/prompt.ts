import { EngineError } from "#lib/errors";
import type { Io } from "./io.ts";

/** 128 and the signal: what the shell sees of a program that was ended by it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** The end of a command that the user interrupted: nothing is said, as everybody knows. */
export function interrupted(signal: keyof typeof EXIT_CODES): EngineError {
  return new EngineError("canceled", "", { data: { exitCode: EXIT_CODES[signal] } });
}

/** Asks for one line on the terminal. @throws EngineError `canceled` when the user interrupts, before the line is there */
export async function askLine(io: Io, question: string): Promise<string> {
  io.stdout.write(question);
  return readLine(io);
}

/** The same for a secret: nothing of it is shown. */
export async function askSecret(io: Io, question: string): Promise<string> {
  using _ = await io.stdin.hideTyping();
  io.stdout.write(question);
  try {
    return await readLine(io);
  } finally {
    // The user's own line end was not shown either.
    io.stdout.write("\n");
  }
}

/** A secret that another program writes to us, without the line end that most add. */
export async function pipedSecret(io: Io): Promise<string> {
  const parts = await Array.fromAsync(io.stdin.read());
  return Buffer.concat(parts)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

async function readLine(io: Io): Promise<string> {
  const ended = Promise.withResolvers<never>();
  using _ = io.onSignal("SIGINT", () => ended.reject(interrupted("SIGINT")));
  return await Promise.race([firstLine(io), ended.promise]);
}

async function firstLine(io: Io): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of io.stdin.read()) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0]!.trim();
}
