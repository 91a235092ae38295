import { expect, test } from "bun:test";
import type { images } from "#client";
import { testIo } from "../_test-io.ts";
import { progressText } from "./bar.ts";
import { showProgress } from "./messages.ts";

async function* stream(...messages: images.ProgressMessage[]): AsyncGenerator<images.ProgressMessage, void> {
  yield* messages;
}

const at = { columns: 120, nowMs: 100_000 };

test("progressText() draws a bar where there is room, and always the numbers", () => {
  const half = { current: 1_000_000, total: 2_000_000 };
  expect(progressText(half, at)).toBe(`[${"=".repeat(25)}>${" ".repeat(25)}]      1MB/2MB`);
  expect(progressText(half, { ...at, columns: 80 })).toBe("     1MB/2MB");
  expect(progressText({ current: 5, total: 2 }, { ...at, columns: 80 })).toBe("      5B");
  expect(progressText({ current: 3, units: "files" }, at)).toBe("3 files");
  expect(progressText({}, at)).toBe("");
});

test("progressText() tells the time that is left", () => {
  expect(progressText({ current: 1, total: 4, start: 90 }, { ...at, columns: 80 })).toBe("      1B/4B 30s");
});

test("showProgress() prints lines and no bars into a pipe", async () => {
  const io = testIo();
  const moving = { id: "abc", status: "Downloading", progressDetail: { current: 1, total: 2 } };
  const messages = stream(
    { status: "Pulling", id: "latest" },
    moving,
    { stream: "Loaded image: x\n" },
    { aux: { ID: "1" } },
  );
  const aux: unknown[] = [];
  await showProgress(messages, { io, output: io.stdout, onAux: (value) => aux.push(value) });
  expect(io.written.stdout).toBe("latest: Pulling\nLoaded image: x\n");
  expect(aux).toEqual([{ ID: "1" }]);
});

test("showProgress() rewrites the line of each ID on a terminal", async () => {
  const io = testIo({ columns: 80 });
  const step = (id: string, status: string) => ({ id, status, progressDetail: {} });
  await showProgress(stream(step("a", "Waiting"), step("b", "Waiting"), step("a", "Done")), { io, output: io.stdout });
  expect(io.written.stdout).toBe(
    "\n\x1b[1A\x1b[2K\ra: Waiting \r\x1b[1B\n\x1b[1A\x1b[2K\rb: Waiting \r\x1b[1B\x1b[2A\x1b[2K\ra: Done \r\x1b[2B",
  );
});

test("showProgress() fails with the engine's words, and lets no escape through to the terminal", async () => {
  const io = testIo({ columns: 80 });
  const failure = stream({ status: "\x1b[2Jx" }, { error: "no space", errorDetail: { message: "no space" } });
  await expect(showProgress(failure, { io, output: io.stdout })).rejects.toThrow("no space");
  expect(io.written.stdout).toBe("\ufffd[2Jx\n");
});
