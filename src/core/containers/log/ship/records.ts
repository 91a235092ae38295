import { createHash } from "node:crypto";
import { nanoOf } from "#lib/time";
import type { LogRecord } from "./sink.ts";

/** Of each stream, how many parts of a line came that has not ended. */
export interface OpenParts {
  readonly stdout: number;
  readonly stderr: number;
}

interface StoredRecord {
  readonly log?: unknown;
  readonly stream?: unknown;
  readonly time?: unknown;
}

/** Makes records of lines of a log file. Keeps count of parts over the lines that it is given. */
export class RecordReader {
  readonly #subject: string;
  #open: OpenParts;

  /** `subject` makes the IDs of lines differ between containers. */
  constructor(subject: string, open: OpenParts = { stdout: 0, stderr: 0 }) {
    this.#subject = subject;
    this.#open = open;
  }

  get open(): OpenParts {
    return this.#open;
  }

  /** Takes whole lines. What is no record is left out, as by all who read the file. */
  read(lines: Buffer): LogRecord[] {
    const text = lines.toString();
    return text
      .slice(0, text.endsWith("\n") ? -1 : undefined)
      .split("\n")
      .flatMap((line) => this.#record(line));
  }

  #record(line: string): LogRecord[] {
    const { log, stream: name, time } = parse(line);
    if (typeof log !== "string" || typeof time !== "string") return [];
    const stream = name === "stderr" ? "stderr" : "stdout";
    const isLast = log.endsWith("\n");
    const text = isLast ? log.slice(0, -1) : log;
    const record = { stream, timeNano: nanoOf(time) ?? 0n, text } as const;
    const before = this.#open[stream];
    this.#open = { ...this.#open, [stream]: isLast ? 0 : before + 1 };
    if (isLast && before === 0) return [record];
    return [{ ...record, part: { id: this.#lineID(stream, time), ordinal: before + 1, isLast } }];
  }

  /** The same whenever the line is sent: all of its parts have the time of the first. */
  #lineID(stream: string, time: string): string {
    return createHash("sha256").update(`${this.#subject} ${stream} ${time}`).digest("hex");
  }
}

/** Docker sends no empty lines to syslog, GELF servers and the journal. */
export function withText(records: readonly LogRecord[]): LogRecord[] {
  return records.filter(({ text }) => text !== "");
}

function parse(line: string): StoredRecord {
  try {
    return (JSON.parse(line) ?? {}) as StoredRecord;
  } catch {
    return {};
  }
}
