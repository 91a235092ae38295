import { describe, expect, test } from "bun:test";
import { FrameDecoder } from "#lib/stream";
import { type TranscodeOptions, Transcoder } from "./transcoder.ts";

const TIME = "2026-01-02T03:04:05.123456789Z";
const ALL: TranscodeOptions = {
  stdout: true,
  stderr: true,
  raw: true,
  timestamps: false,
  details: false,
  since: "",
  until: "",
};

function record(log: string, more: { stream?: string; time?: string; attrs?: object } = {}): string {
  const attrs = more.attrs ? `,"attrs":${JSON.stringify(more.attrs)}` : "";
  return `{"log":${JSON.stringify(log)},"stream":"${more.stream ?? "stdout"}"${attrs},"time":"${more.time ?? TIME}"}\n`;
}

function read(lines: string, options: Partial<TranscodeOptions> = {}): string {
  return new Transcoder({ ...ALL, ...options }).transcode(Buffer.from(lines)).toString();
}

function frames(lines: string, options: Partial<TranscodeOptions> = {}) {
  const decoder = new FrameDecoder();
  const bytes = new Transcoder({ ...ALL, raw: false, ...options }).transcode(Buffer.from(lines));
  return [...decoder.decode(bytes)].map(({ stream, payload }) => [stream, payload.toString()]);
}

const TEXTS = [
  { name: "quotes and backslashes", text: 'quotes " and \\ backslashes\n' },
  { name: "other short escapes", text: "tabs \t returns \r feeds \f\b\n" },
  { name: "control characters", text: "controls \u0001\u001f\u007f\n" },
  { name: "all of Unicode", text: "naïve 日本語 😀\n" },
  { name: "what looks like the end of a record", text: `","stream":"stderr","time":"${TIME}"}\n` },
  { name: "a line as long as lines get", text: "x".repeat(16_384) },
  { name: "an escape after a long plain part", text: `${"y".repeat(60)}\\u0041\n` },
];

describe("Transcoder", () => {
  test("gives the text of records", () => {
    expect(read(record("hello\n") + record("") + record("no newline"))).toBe("hello\nno newline");
  });

  test("makes a frame of each record", () => {
    expect(frames(record("a\n") + record("b\n", { stream: "stderr" }))).toEqual([
      ["stdout", "a\n"],
      ["stderr", "b\n"],
    ]);
  });

  test("leaves out streams nobody asked for", () => {
    const lines = record("out\n") + record("err\n", { stream: "stderr" });
    expect(read(lines, { stdout: false })).toBe("err\n");
    expect(read(lines, { stderr: false })).toBe("out\n");
  });

  test.each(TEXTS)("gives back $name", ({ text }) => {
    expect(read(record(text))).toBe(text);
    expect(frames(record(text))).toEqual([["stdout", text]]);
  });

  test("undoes escapes that JSON.stringify() does not write", () => {
    const line = `{"log":"\\u0041\\u00e9\\ud83d\\ude00\\ud83d\\/\\n","stream":"stdout","time":"${TIME}"}\n`;
    expect(read(line)).toBe("Aé😀\ufffd/\n");
  });

  test("puts timestamps of nine digits before each record", () => {
    const lines = record("a\n") + record("b\n", { time: "2026-01-02T03:04:05.5Z" });
    expect(read(lines, { timestamps: true })).toBe(`${TIME} a\n2026-01-02T03:04:05.500000000Z b\n`);
  });

  test("shows attributes as details, sorted and escaped", () => {
    expect(read(record("a\n", { attrs: { b: "1 2", a: "x=y" } }), { details: true })).toBe("a=x%3Dy,b=1+2 a\n");
    expect(read(record("a\n"), { details: true })).toBe(" a\n");
  });

  test("keeps the order of usual and unusual records", () => {
    const lines =
      record("1\n") +
      record("2\n", { attrs: { k: "v" } }) +
      record("3\n") +
      record("4\n", { time: "2026-01-02T03:04:05Z" });
    expect(read(lines)).toBe("1\n2\n3\n4\n");
  });

  test("takes bounds of time in, both ends included, and knows when it is past the last", () => {
    const at = (second: number) => `2026-01-02T03:04:0${second}.000000000Z`;
    const lines = [1, 2, 3, 4].map((second) => record(`${second}\n`, { time: at(second) })).join("");
    expect(read(lines, { since: at(2), until: at(3) })).toBe("2\n3\n");
    const transcoder = new Transcoder({ ...ALL, until: at(3) });
    transcoder.transcode(Buffer.from(lines));
    expect(transcoder.past).toBe(true);
  });

  test("leaves out what is no record", () => {
    expect(read(`garbage\n{"log":1}\n\n{"log":"cut\n${record("good\n")}{"nolog":""}\n`)).toBe("good\n");
  });
});
