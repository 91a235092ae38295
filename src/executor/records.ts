import { readFile } from "node:fs/promises";
import { EngineError, type ErrorKind } from "#lib/errors";
import type { ExitRecord, StartedRecord } from "./executor.ts";
import { Reader } from "./reader.ts";

/** In the order of `enum section` in executor/src/plan.h. */
const SECTIONS = ["before", "beside", "inside", "after", "host", "stream"] as const;

/** errno values with a kind of their own; all others are `internal`. */
const KINDS: ReadonlyMap<number, ErrorKind> = new Map([
  [1, "forbidden"], // EPERM
  [2, "not-found"], // ENOENT
  [3, "not-found"], // ESRCH
  [13, "forbidden"], // EACCES
  [16, "conflict"], // EBUSY
  [17, "already-exists"], // EEXIST
  [20, "invalid-parameter"], // ENOTDIR
  [21, "invalid-parameter"], // EISDIR
  [22, "invalid-parameter"], // EINVAL
  [36, "invalid-parameter"], // ENAMETOOLONG
  [40, "invalid-parameter"], // ELOOP
  [125, "unavailable"], // ECANCELED: the process that ran the plan was killed
]);

export function kindOfErrno(errno: number): ErrorKind {
  return KINDS.get(errno) ?? "internal";
}

/** `struct error`, as an answer carries it. */
export function readError(reader: Reader): EngineError {
  const errno = reader.num();
  const section = SECTIONS[reader.num()];
  const op = reader.signed();
  return new EngineError(kindOfErrno(errno), explained(reader.text()), { data: { errno, section, op } });
}

/** A foreign runtime's log line is JSON; its `msg` is what it has to say. */
function explained(message: string): string {
  if (!message.startsWith("{")) return message;
  try {
    const parsed: unknown = JSON.parse(message);
    return typeof parsed === "object" && parsed !== null && "msg" in parsed ? String(parsed.msg) : message;
  } catch {
    return message; // cut off, or no JSON after all
  }
}

export function readStarted(reader: Reader): StartedRecord {
  return { pid: reader.num(), startTicks: Number(reader.big()), startedAt: reader.text() };
}

/** The body of the monitor's last frame, and the whole content of the exit file. */
export function readExit(reader: Reader): ExitRecord {
  const record = { exitCode: reader.num(), signal: reader.num(), oomKilled: reader.flag(), exitedAt: reader.text() };
  const error = explained(reader.text());
  return error === "" ? record : { ...record, error };
}

/** Reads the record that a monitor left, if there is one. */
export async function readExitRecord(exitPath: string): Promise<ExitRecord | undefined> {
  try {
    return readExit(new Reader(await readFile(exitPath)));
  } catch (error) {
    if (error instanceof RangeError)
      throw new EngineError("internal", `exit record ${JSON.stringify(exitPath)} is damaged`);
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
