/**
 * From records of the log file to what a client reads: Docker's frames, or raw text with a terminal.
 *
 * The monitor writes records in one layout, which is taken apart at byte offsets; anything else that is JSON takes the
 * slow way, and what is no record at all is left out, as Docker does.
 *
 *     {"log":"hello\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}
 *     ^HEAD  ^text     ^MIDDLE           ^       ^30 bytes                      ^TAIL
 */
import { appendUnescaped } from "./unescape.ts";

export interface TranscodeOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Raw text without frame headers. */
  readonly raw: boolean;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Bounds as RFC 3339 with nine digits, in UTC, both inclusive; empty: none. */
  readonly since: string;
  readonly until: string;
}

const HEAD = Buffer.from('{"log":"');
const MIDDLE = Buffer.from('","stream":"std');
const TIME_KEY = Buffer.from('","time":"');
const TAIL = Buffer.from('Z"}');
/** `out` and `err` have the same length. */
const STREAM_TAIL_BYTES = 3;
const TIME_BYTES = 30;
/** From the end of the text to the end of the record. */
const AFTER_TEXT = MIDDLE.length + STREAM_TAIL_BYTES + TIME_KEY.length + TIME_BYTES + 2;
const FRAME_HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_O = 0x6f;
/** Below this a loop is quicker than a call. */
const SHORT_COPY_BYTES = 48;

export class Transcoder {
  readonly #options: TranscodeOptions;
  readonly #since: Buffer;
  readonly #until: Buffer;
  #pieces: Buffer[] = [];
  #out = Buffer.alloc(0);
  #length = 0;
  #past = false;

  constructor(options: TranscodeOptions) {
    this.#options = options;
    this.#since = Buffer.from(options.since);
    this.#until = Buffer.from(options.until);
  }

  /** Whether a record after `until` was met: none of those that follow is wanted. */
  get past(): boolean {
    return this.#past;
  }

  /** Takes whole lines. The result does not share memory with them. */
  transcode(lines: Buffer): Buffer {
    // A frame is never longer than its record: header and timestamp take less than the record's own frame of JSON.
    this.#out = Buffer.allocUnsafeSlow(lines.length);
    this.#length = 0;
    this.#pieces = [];
    for (let start = 0; start < lines.length && !this.#past; ) {
      const newline = lines.indexOf(NEWLINE, start);
      const end = newline < 0 ? lines.length : newline;
      if (!this.#quick(lines, start, end)) this.#slow(lines.subarray(start, end));
      start = end + 1;
    }
    const rest = this.#out.subarray(0, this.#length);
    return this.#pieces.length === 0 ? rest : Buffer.concat([...this.#pieces, rest]);
  }

  /** Takes a record of the usual layout; false when it is none. */
  #quick(lines: Buffer, start: number, end: number): boolean {
    const text = start + HEAD.length;
    const textEnd = end - AFTER_TEXT;
    if (this.#options.details || textEnd < text || !hasLayout(lines, { start, textEnd, end })) return false;
    const time = end - 2 - TIME_BYTES;
    const isStdout = lines[textEnd + MIDDLE.length] === LETTER_O;
    if (!this.#wants(isStdout) || !this.#inTime(lines, time)) return true;
    const header = this.#length;
    this.#begin(isStdout, lines, time);
    this.#length = appendText(lines, { from: text, to: textEnd }, this.#out, this.#length);
    this.#finish(header);
    return true;
  }

  #slow(line: Buffer): void {
    const record = parseRecord(line);
    if (!record) return;
    const isStdout = record.stream !== "stderr";
    const time = Buffer.from(fixedTime(record.time));
    if (!this.#wants(isStdout) || !this.#inTime(time, 0)) return;
    const prefix = `${this.#options.timestamps ? `${time.toString()} ` : ""}${this.#options.details ? details(record.attrs) : ""}`;
    const body = Buffer.from(prefix + record.log);
    const header = Buffer.alloc(this.#options.raw ? 0 : FRAME_HEADER_BYTES);
    if (!this.#options.raw) {
      header[0] = isStdout ? STDOUT : STDERR;
      header.writeUInt32BE(body.length, 4);
    }
    // Kept in order with what the quick way wrote so far.
    this.#pieces.push(Buffer.from(this.#out.subarray(0, this.#length)), header, body);
    this.#length = 0;
  }

  #wants(isStdout: boolean): boolean {
    return isStdout ? this.#options.stdout : this.#options.stderr;
  }

  /** Times of one length in UTC are ordered as their bytes are. */
  #inTime(source: Buffer, at: number): boolean {
    if (this.#until.length > 0 && this.#until.compare(source, at, at + TIME_BYTES) < 0) {
      this.#past = true;
      return false;
    }
    return this.#since.length === 0 || this.#since.compare(source, at, at + TIME_BYTES) <= 0;
  }

  #begin(isStdout: boolean, lines: Buffer, time: number): void {
    const out = this.#out;
    let at = this.#length;
    if (!this.#options.raw) {
      out[at] = isStdout ? STDOUT : STDERR;
      out[at + 1] = 0;
      out[at + 2] = 0;
      out[at + 3] = 0;
      at += FRAME_HEADER_BYTES;
    }
    if (this.#options.timestamps) {
      lines.copy(out, at, time, time + TIME_BYTES);
      at += TIME_BYTES;
      out[at++] = SPACE;
    }
    this.#length = at;
  }

  #finish(header: number): void {
    if (this.#options.raw) return;
    const size = this.#length - header - FRAME_HEADER_BYTES;
    const out = this.#out;
    out[header + 4] = size >>> 24;
    out[header + 5] = size >>> 16;
    out[header + 6] = size >>> 8;
    out[header + 7] = size;
  }
}

/** Looks at the places that differ when a key is missing or added; text cannot fake them, its quotes are escaped. */
function hasLayout(lines: Buffer, { start, textEnd, end }: { start: number; textEnd: number; end: number }): boolean {
  const afterStream = textEnd + MIDDLE.length + STREAM_TAIL_BYTES;
  return (
    matches(lines, start, HEAD) &&
    matches(lines, textEnd, MIDDLE) &&
    matches(lines, afterStream, TIME_KEY) &&
    matches(lines, end - TAIL.length, TAIL)
  );
}

function matches(lines: Buffer, at: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (lines[at + index] !== expected[index]) return false;
  }
  return true;
}

/** Most text has one escape: the newline at its end. */
function appendText(lines: Buffer, { from, to }: { from: number; to: number }, out: Buffer, at: number): number {
  const escapeAt = lines.indexOf(BACKSLASH, from);
  const plainEnd = escapeAt < 0 || escapeAt > to ? to : escapeAt;
  const length = plainEnd - from;
  if (length > SHORT_COPY_BYTES) lines.copy(out, at, from, plainEnd);
  else for (let index = 0; index < length; index++) out[at + index] = lines[from + index] as number;
  return plainEnd === to ? at + length : appendUnescaped(lines, { from: plainEnd, to }, out, at + length);
}

interface LogRecord {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
  readonly attrs: Readonly<Record<string, string>>;
}

function parseRecord(line: Buffer): LogRecord | undefined {
  try {
    const { log, stream, time, attrs } = JSON.parse(line.toString()) as Partial<LogRecord>;
    if (typeof log !== "string") return undefined;
    return { log, stream: String(stream), time: String(time), attrs: attrs ?? {} };
  } catch {
    return undefined;
  }
}

/** `key=value,key=value `, sorted and escaped as in a URL. */
function details(attrs: Readonly<Record<string, string>>): string {
  const encoded = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");
  const pairs = Object.entries(attrs).map(([key, value]) => `${encoded(key)}=${encoded(String(value))}`);
  return `${pairs.sort().join(",")} `;
}

/** Docker trims the zeros of a fraction; here it has nine digits again. */
function fixedTime(text: string): string {
  const match = /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(text);
  return match ? `${match[1]}.${(match[2] ?? "").padEnd(9, "0")}Z` : text;
}
