import { expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLog } from "./follow.ts";

class LogFolder implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "tug-log-"));
  readonly path = join(this.folder, "id-json.log");

  write(text: string, suffix = ""): void {
    appendFileSync(this.path + suffix, text);
  }

  /** As the monitor does it: everything moves up by one, the oldest goes. */
  rotate(files: number): void {
    for (let number = files - 1; number > 0; number--) {
      try {
        renameSync(number === 1 ? this.path : `${this.path}.${number - 1}`, `${this.path}.${number}`);
      } catch {
        // It is not there yet.
      }
    }
    writeFileSync(this.path, "");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

async function all(pieces: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece.toString();
  return text;
}

/** Follows in the background; `seen` waits until so many lines came. */
function follow(path: string, tail = -1) {
  const end = Promise.withResolvers<void>();
  let text = "";
  const waiting: (() => void)[] = [];
  const done = (async () => {
    for await (const piece of readLog(path, { tail, until: end.promise })) {
      text += piece.toString();
      for (const go of waiting.splice(0)) go();
    }
    return text;
  })();
  const count = () => text.split("\n").length - 1;
  const seen = async (lines: number) => {
    while (count() < lines) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { seen, end: () => end.resolve(), done };
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join("");

test("readLog() of a container that never wrote is empty", async () => {
  using log = new LogFolder();
  expect(await all(readLog(log.path, { tail: -1 }))).toBe("");
});

test("readLog() goes through rotated files, oldest first", async () => {
  using log = new LogFolder();
  log.write(lines(0, 10), ".10");
  log.write(lines(10, 20), ".2");
  log.write(lines(20, 30), ".1");
  log.write(lines(30, 40));
  expect(await all(readLog(log.path, { tail: -1 }))).toBe(lines(0, 40));
});

test.each([0, 1, 5, 10, 11, 25, 30, 99])("readLog() gives the last %d lines", async (tail) => {
  using log = new LogFolder();
  log.write(lines(0, 10), ".2");
  log.write(lines(10, 20), ".1");
  log.write(lines(20, 30));
  expect(await all(readLog(log.path, { tail }))).toBe(lines(Math.max(0, 30 - tail), 30));
});

test("readLog() finds the tail of a file larger than a block, and leaves out an unfinished line", async () => {
  using log = new LogFolder();
  log.write(`${lines(0, 100_000)}unfinished`);
  expect(await all(readLog(log.path, { tail: 40_000 }))).toBe(lines(60_000, 100_000));
});

test("a follower gets what is written later, an unfinished line when it is finished, and ends with the container", async () => {
  using log = new LogFolder();
  log.write("one\n");
  const follower = follow(log.path);
  await follower.seen(1);
  log.write("tw");
  log.write("o\n");
  await follower.seen(2);
  log.write("three\n");
  follower.end();
  expect(await follower.done).toBe("one\ntwo\nthree\n");
});

test("a follower of a log that is not there yet sees its first line", async () => {
  using log = new LogFolder();
  const follower = follow(log.path);
  log.write("first\n");
  await follower.seen(1);
  follower.end();
  expect(await follower.done).toBe("first\n");
});

test("a follower loses and repeats nothing over rotations, several at once among them", async () => {
  using log = new LogFolder();
  log.write(lines(0, 5));
  const follower = follow(log.path);
  let next = 5;
  for (let round = 0; round < 40; round++) {
    const count = (round * 7) % 5;
    log.write(lines(next, next + count));
    next += count;
    if (round % 3 !== 0) log.rotate(5);
    if (round % 4 === 0) await follower.seen(next);
    else if (round % 5 === 0) await new Promise(setImmediate);
  }
  follower.end();
  expect(await follower.done).toBe(lines(0, next));
});

test("a follower starts over in a file that was truncated", async () => {
  using log = new LogFolder();
  log.write(lines(0, 50));
  const follower = follow(log.path);
  await follower.seen(50);
  truncateSync(log.path);
  log.write("again\n");
  await follower.seen(51);
  follower.end();
  expect(await follower.done).toBe(`${lines(0, 50)}again\n`);
});

test("a follower that leaves ends at once", async () => {
  using log = new LogFolder();
  log.write("one\n");
  const abort = new AbortController();
  const never = new Promise(() => undefined);
  const pieces = readLog(log.path, { tail: -1, until: never, signal: abort.signal });
  expect((await pieces.next()).value?.toString()).toBe("one\n");
  abort.abort();
  expect((await pieces.next()).done).toBe(true);
});
