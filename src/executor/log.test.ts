/** The monitor's log: its bytes are those that a real dockerd writes, however the output is cut. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { Client, EVERYTHING, Lab, shell } from "./_lab.ts";
import type { MonitorLog } from "./executor.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

function logAt(name: string, options: Partial<MonitorLog> = {}): MonitorLog {
  return { path: lab.path(name), maxBytes: 0, maxFiles: 1, attributes: "", ...options };
}

/** Writes the bytes to a file of the root and logs what `cat` makes of them. */
async function logOf(input: Uint8Array): Promise<string> {
  const name = `input-${crypto.randomUUID()}`;
  writeFileSync(`${lab.lower}/${name}`, input);
  const log = logAt(`${name}.log`);
  expect((await lab.run({ argv: ["cat", `/${name}`], spec: { log } })).exitCode).toBe(0);
  return readFileSync(log.path, "latin1");
}

const withoutTime = (text: string) => text.replaceAll(/,"time":"[^"]*"/g, "");

/** The part of a record that holds the text, as dockerd 28 wrote it for these bytes. */
const ESCAPED: readonly (readonly [string, Uint8Array, string])[] = [
  ["plain text", Buffer.from("hello"), "hello"],
  ["quotes and backslashes", Buffer.from('a "b" \\c'), String.raw`a \"b\" \\c`],
  ["HTML", Buffer.from("<a&b>"), String.raw`\u003ca\u0026b\u003e`],
  [
    "control characters",
    Uint8Array.of(0, 1, 8, 9, 0x0c, 0x1b, 0x1f, 0x7f),
    `${String.raw`\u0000\u0001\u0008\u0009\u000c\u001b\u001f`}\x7f`,
  ],
  ["a carriage return", Buffer.from("a\r"), String.raw`a\r`],
  [
    "separators of lines",
    Buffer.from("\u2028\u2029\u2027"),
    `${String.raw`\u2028\u2029`}${Buffer.from("\u2027").toString("latin1")}`,
  ],
  ["characters of two to four bytes", Buffer.from("é€😀"), Buffer.from("é€😀").toString("latin1")],
  ["a byte that is no UTF-8", Uint8Array.of(0x61, 0xff, 0x62), String.raw`a\ufffdb`],
  ["overlong forms", Uint8Array.of(0xc0, 0xaf, 0xe0, 0x80, 0x80), String.raw`\ufffd\ufffd\ufffd\ufffd\ufffd`],
  ["surrogates", Uint8Array.of(0xed, 0xa0, 0x80), String.raw`\ufffd\ufffd\ufffd`],
  ["beyond Unicode", Uint8Array.of(0xf4, 0x90, 0x80, 0x80), String.raw`\ufffd\ufffd\ufffd\ufffd`],
  ["a character that is cut off", Uint8Array.of(0xf0, 0x9f, 0x98), String.raw`\ufffd\ufffd\ufffd`],
];

describe("a record", () => {
  test.each(ESCAPED)("escapes %s", async (_, bytes, escaped) => {
    const log = await logOf(Buffer.concat([bytes, Buffer.from("\n")]));
    expect(withoutTime(log)).toBe(`{"log":"${escaped}\\n","stream":"stdout"}\n`);
  });

  test("escapes at every place of a block of sixteen bytes", async () => {
    const lines = Array.from({ length: 40 }, (_, at) => `${"x".repeat(at)}<${"y".repeat(40 - at)}`);
    const log = await logOf(Buffer.from(`${lines.join("\n")}\n`));
    const expected = lines.map((line) => `{"log":"${line.replace("<", "\\u003c")}\\n","stream":"stdout"}\n`);
    expect(withoutTime(log)).toBe(expected.join(""));
  });

  test.each([16383, 16384, 16385, 32768, 40000])("is split where dockerd splits a line of %i bytes", async (length) => {
    const log = await logOf(Buffer.from(`${"x".repeat(length)}\nnext\n`));
    const records = log
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.map((record) => record.log.length)).toEqual([...piecesOf(length), 5]);
    expect(records.map((record) => record.log).join("")).toBe(`${"x".repeat(length)}\nnext\n`);
    // All parts of a line have the time of the first.
    expect(new Set(records.slice(0, -1).map((record) => record.time)).size).toBe(1);
  });

  test("of a last line without newline has none", async () => {
    expect(withoutTime(await logOf(Buffer.from("a\nb")))).toBe(
      '{"log":"a\\n","stream":"stdout"}\n{"log":"b","stream":"stdout"}\n',
    );
  });

  test("names its stream, its attributes and its time", async () => {
    const log = logAt("attributes.log", { attributes: '{"tag":"x"}' });
    await lab.run({ argv: shell("echo err >&2"), spec: { log } });
    expect(readFileSync(log.path, "utf8")).toMatch(
      /^\{"log":"err\\n","stream":"stderr","attrs":\{"tag":"x"\},"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z"\}\n$/,
    );
  });

  test("of a terminal is stdout's", async () => {
    const log = logAt("tty.log");
    const stdio = { tty: true };
    await lab.run({ argv: shell("echo out; echo err >&2"), furnish: [{ op: "console" }], stdio, spec: { log } });
    expect(withoutTime(readFileSync(log.path, "utf8"))).toBe(
      '{"log":"out\\r\\n","stream":"stdout"}\n{"log":"err\\r\\n","stream":"stdout"}\n',
    );
  });

  test("streams do not mix within a line", async () => {
    const log = logAt("mixed.log");
    await lab.run({ argv: shell("printf a; printf b >&2; sleep 0.05; echo c; echo d >&2"), spec: { log } });
    const records = readFileSync(log.path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.map(({ log: text, stream }) => `${stream}:${text}`).sort()).toEqual(["stderr:bd\n", "stdout:ac\n"]);
  });

  test("random bytes come back as JSON, whatever the sizes of the writes", async () => {
    const seed = 20261121;
    const bytes = pseudoRandom(seed, 300_000);
    const log = await logOf(bytes);
    const lines = Buffer.from(log, "latin1").toString().trimEnd().split("\n");
    const text = lines.map((line) => JSON.parse(line).log).join("");
    const expected = decodeInPieces(bytes);
    expect(text === expected ? "same" : `differs with seed ${seed}`).toBe("same");
  });
});

/** Lengths of the records of one line, its newline included: full buffers of 16 KiB, then the rest. */
function piecesOf(length: number): number[] {
  const pieces = [];
  let left = length;
  for (; left >= 16384; left -= 16384) pieces.push(16384);
  return [...pieces, left + 1];
}

/** What a reader of the log sees of bytes that are cut into lines and 16 KiB before they are decoded, one U+FFFD a wrong byte. */
function decodeInPieces(bytes: Buffer): string {
  let text = "";
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.subarray(start, start + 16384).indexOf(10);
    const end = newline < 0 ? Math.min(start + 16384, bytes.length) : start + newline + 1;
    text += decodeAsGo(bytes.subarray(start, end));
    start = end;
  }
  return text;
}

function decodeAsGo(bytes: Buffer): string {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(
      (size) => at + size <= bytes.length && isCharacter(strict, bytes.subarray(at, at + size)),
    );
    text += length === undefined ? "\ufffd" : strict.decode(bytes.subarray(at, at + length));
    at += length ?? 1;
  }
  return text;
}

function isCharacter(decoder: TextDecoder, bytes: Uint8Array): boolean {
  try {
    return [...decoder.decode(bytes)].length === 1;
  } catch {
    return false;
  }
}

function pseudoRandom(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Every other stretch is mostly text, so that whole characters occur too.
    bytes[i] = (i >> 6) % 2 === 0 ? state >>> 24 : 32 + ((state >>> 24) % 96);
  }
  return bytes;
}

describe("rotation", () => {
  const read = (path: string) =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => Number(JSON.parse(line).log));

  test("keeps as many files as it may, none beyond its size, and no line is lost between them", async () => {
    const log = logAt("rotated.log", { maxBytes: 10_000, maxFiles: 3 });
    await lab.run({ argv: ["seq", "1", "2000"], spec: { log } });
    const files = [`${log.path}.2`, `${log.path}.1`, log.path];
    for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(10_000);
    expect(existsSync(`${log.path}.3`)).toBe(false);
    const numbers = files.flatMap(read);
    expect(numbers.at(-1)).toBe(2000);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 2001 - numbers.length + index));
    expect(numbers.length).toBeGreaterThan(250);
  });

  test("with one file begins a new one, so that who reads the old one finds its end", async () => {
    const log = logAt("single.log", { maxBytes: 1000, maxFiles: 1 });
    await lab.run({ argv: ["seq", "1", "3"], spec: { log } });
    const old = openSync(log.path, "r");
    await lab.run({ argv: ["seq", "4", "100"], spec: { log } });
    expect(fstatSync(old).nlink).toBe(0);
    expect(readFileSync(old, "utf8").split("\n")[3]).toContain('"4\\n"');
    closeSync(old);
    expect(statSync(log.path).size).toBeLessThanOrEqual(1000);
    expect(read(log.path).at(-1)).toBe(100);
    expect(existsSync(`${log.path}.1`)).toBe(false);
  });

  test("goes on where an earlier run stopped", async () => {
    const log = logAt("continued.log", { maxBytes: 1000, maxFiles: 2 });
    await lab.run({ argv: ["seq", "1", "10"], spec: { log } });
    await lab.run({ argv: ["seq", "11", "20"], spec: { log } });
    expect([...read(`${log.path}.1`), ...read(log.path)]).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  test("puts what was compressed meanwhile into the place of its file, and drops it with the oldest", async () => {
    const log = logAt("compressed.log", { maxBytes: 1000, maxFiles: 4 });
    const count = 12;
    const run = (first: number) => lab.run({ argv: ["seq", String(first), String(first + count - 1)], spec: { log } });
    const compress = () => {
      const { ino, birthtimeNs } = statSync(`${log.path}.1`, { bigint: true });
      writeFileSync(`${log.path}.${ino}-${birthtimeNs}.gz`, `compressed ${read(`${log.path}.1`)[0]}`);
    };
    const compressed = () =>
      [1, 2, 3]
        .map((number) => `${log.path}.${number}.gz`)
        .map((path) => existsSync(path) && readFileSync(path, "utf8"));
    for (const first of [1, 13]) await run(first);
    compress();
    await run(25);
    expect(compressed()).toEqual([false, "compressed 1", false]);
    expect(existsSync(`${log.path}.2`)).toBe(false);
    compress();
    await run(37);
    expect(compressed()).toEqual([false, expect.stringMatching(/^compressed 1\d$/), "compressed 1"]);
    await run(49);
    expect(compressed()).toEqual([false, false, expect.stringMatching(/^compressed 1\d$/)]);
    expect([...read(`${log.path}.2`), ...read(`${log.path}.1`), ...read(log.path)].at(-1)).toBe(60);
  });

  test("reopenLog() follows a file that was moved away", async () => {
    const log = logAt("moved.log");
    const { monitor } = await lab.start({
      argv: shell("echo 1; read go; echo 2"),
      stdio: { stdin: true },
      spec: { log, awaitAttach: 1 },
    });
    const client = new Client(await monitor.attach(EVERYTHING));
    await client.saw("1");
    renameSync(log.path, `${log.path}.old`);
    await monitor.reopenLog();
    client.socket.write("go\n");
    await monitor.exited;
    expect([read(`${log.path}.old`), read(log.path)]).toEqual([[1], [2]]);
  });
});

test("a full disk stops neither the process nor its clients, and the log says what it lacks", async () => {
  await using own = new Lab();
  const disk = own.path("disk");
  mkdirSync(disk);
  // Small enough to fill; on the host's side, since the monitor writes from there.
  expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "tug-test", disk]).success).toBe(true);
  try {
    const log: MonitorLog = { path: `${disk}/full.log`, maxBytes: 0, maxFiles: 1, attributes: "" };
    const argv = shell("seq 1 20000; echo full; read go; echo after");
    const { monitor } = await own.start({ argv, stdio: { stdin: true }, spec: { log, awaitAttach: 1 } });
    const client = new Client(await monitor.attach(EVERYTHING));
    await client.saw("full");
    const before = readFileSync(log.path, "utf8");
    writeFileSync(log.path, "");
    client.socket.write("go\n");
    expect((await monitor.exited).exitCode).toBe(0);
    const records = `${before}${readFileSync(log.path, "utf8")}`
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).log);
    expect(records).toContainEqual(
      expect.stringMatching(/^tug: \d+ bytes of the log were lost: No space left on device\n$/),
    );
    expect(records.at(-1)).toBe("after\n");
  } finally {
    Bun.spawnSync(["umount", disk]);
  }
});
