import { describe, expect, test } from "bun:test";
import type { images } from "#client";
import { testIo } from "../_test-io.ts";
import { Screen } from "./_screen.ts";
import { amountText, barText } from "./bar.ts";
import { LayerTable } from "./layer-table.ts";
import { showProgress } from "./messages.ts";
import { Speedometer } from "./speedometer.ts";
import { showTransfer } from "./transfer.ts";

type Message = images.ProgressMessage;

async function* stream(...messages: Message[]): AsyncGenerator<Message, void> {
  yield* messages;
}

const moving = (id: string, current: number, total: number, status = "Downloading"): Message => ({
  id,
  status,
  progressDetail: { current, total },
});
const still = (id: string, status: string): Message => ({ id, status, progressDetail: {} });

test("barText() is as long as there is room, and nothing where there is too little", () => {
  const half = { current: 1, total: 2 };
  expect(barText(half, 200)).toBe(`[${"=".repeat(25)}>${" ".repeat(25)}]`);
  expect(barText(half, 13)).toBe("[=====>     ]");
  expect(barText(half, 10)).toBe("");
  expect(barText({ current: 3 }, 200)).toBe("");
  expect(barText({ current: 9, total: 3 }, 13)).toBe("[==========>]");
});

test.each([
  [{ current: 1_000_000, total: 2_000_000 }, "1MB/2MB"],
  [{ current: 5, total: 2 }, "5B"],
  [{ current: 3, units: "files" }, "3 files"],
  [{ current: 3, total: 9, units: "files" }, "3/9 files"],
  [{ current: 3, total: 9, hidecounts: true }, ""],
  [{}, ""],
])("amountText(%j) is %j", (progress, text) => expect(amountText(progress)).toBe(text));

test("Speedometer believes a change of speed after a while, and begins anew when an amount falls", () => {
  const meter = new Speedometer();
  meter.add(0, 0);
  expect(meter.perSecond).toBeUndefined();
  meter.add(1000, 1000);
  expect(meter.perSecond).toBe(1000);
  meter.add(1001, 1010);
  expect(meter.perSecond).toBe(1000);
  meter.add(3000, 2000);
  expect(meter.perSecond).toBeWithin(1001, 2000);
  meter.add(10, 3000);
  expect(meter.perSecond).toBeUndefined();
});

describe("LayerTable", () => {
  const VIEW = { columns: 80, rows: 20 };

  function table(...messages: Message[]): LayerTable {
    const made = new LayerTable();
    for (const [at, message] of messages.entries()) made.update(message, at * 1000);
    return made;
  }

  test("shows a line for each layer in the order in which they came, and the sum while bytes travel", () => {
    const made = table(
      still("a", "Waiting"),
      moving("b", 0, 4_000_000),
      moving("c", 0, 4_000_000),
      moving("b", 2_000_000, 4_000_000),
    );
    expect(made.lines(VIEW)).toEqual([
      "a: Waiting",
      "b: Downloading   [====================>                    ] 2MB/4MB  1MB/s  2s",
      "c: Downloading   [>                                                  ] 0B/4MB",
      "Total [============>                                     ] 2MB/8MB  787kB/s  8s",
    ]);
  });

  test("tells speed and time left", () => {
    const [line] = table(moving("a", 0, 4_000_000), moving("a", 1_000_000, 4_000_000)).lines(VIEW);
    expect(line).toEndWith("] 1MB/4MB  1MB/s  3s");
    expect(line).toHaveLength(79);
  });

  test("shows numbers and no bar where there is no room for one", () => {
    const [line] = table(moving("a", 0, 4_000_000), moving("a", 1_000_000, 4_000_000)).lines({ columns: 42, rows: 20 });
    expect(line).toBe("a: Downloading   1MB/4MB  1MB/s  3s");
  });

  test("has no sum once everything has travelled", () => {
    const made = table(
      moving("a", 1, 2),
      moving("b", 1, 2),
      still("a", "Pull complete"),
      still("b", "Download complete"),
    );
    expect(made.lines(VIEW)).toEqual(["a: Pull complete", "b: Download complete"]);
  });

  test("shows layers at work before others when there are more layers than rows", () => {
    const made = table(
      still("done1", "Pull complete"),
      still("done2", "Already exists"),
      still("wait1", "Waiting"),
      moving("work1", 5, 9, "Extracting"),
      still("wait2", "Pulling fs layer"),
      moving("work2", 5, 9, "Extracting"),
    );
    expect(made.lines({ columns: 80, rows: 4 })).toEqual([
      "wait1: Waiting",
      expect.stringContaining("work1: Extracting"),
      expect.stringContaining("work2: Extracting"),
      "… and 3 more: 2 done, 1 waiting",
    ]);
    expect(made.lines({ columns: 80, rows: 1 })).toEqual(["… and 6 more: 2 done, 4 waiting"]);
  });

  test("never writes the last column", () => {
    const made = table(still("a".repeat(40), "Waiting for something with a very long name"), moving("b", 5, 9));
    for (const columns of [10, 20, 40, 80]) {
      for (const line of made.lines({ columns, rows: 20 })) expect([...line].length).toBeLessThan(columns);
    }
  });
});

test("showProgress() prints lines and no bars into a pipe", async () => {
  const io = testIo();
  const messages = stream(
    { status: "Pulling", id: "latest" },
    moving("abc", 1, 2),
    still("abc", "Pull complete"),
    { stream: "Loaded image: x\n" },
    { aux: { ID: "1" } },
  );
  const aux: unknown[] = [];
  await showProgress(messages, { io, output: io.stdout, onAux: (value) => aux.push(value) });
  expect(io.written.stdout).toBe("latest: Pulling\nabc: Pull complete\nLoaded image: x\n");
  expect(aux).toEqual([{ ID: "1" }]);
});

test("showProgress() fails with the engine's words, and lets no escape through to the terminal", async () => {
  const io = testIo({ columns: 80 });
  const failure = stream(
    still("\x1b[2Ja", "\x1b[2J"),
    { status: "\x1b[2Jx" },
    { error: "no space", errorDetail: { message: "no space" } },
  );
  await expect(showProgress(failure, { io, output: io.stdout })).rejects.toThrow("no space");
  expect(io.written.stdout).not.toContain("\x1b[2J");
  expect(io.written.stdout).toContain("\ufffd[2Jx\n");
});

describe("on a terminal", () => {
  async function shown(screen: Screen, messages: AsyncIterable<Message>): Promise<string[]> {
    const io = testIo({ columns: screen.columns });
    let nowMs = 0;
    const output = { ...io.stdout, write: (data: string | Uint8Array) => screen.write(data.toString()) };
    await showProgress(messages, {
      io: {
        ...io,
        terminalSize: () => ({ columns: screen.columns, rows: screen.rows }),
        // Every message is drawn.
        now: () => (nowMs += 1000),
      },
      output,
    });
    return screen.text;
  }

  test("a block is written over itself, and its end state stays below what was there", async () => {
    const screen = new Screen(80, 10);
    screen.write("$ tug pull x\r\n");
    const lines = await shown(
      screen,
      stream(
        { status: "Pulling from x", id: "1" },
        still("a", "Waiting"),
        still("b", "Waiting"),
        moving("a", 1, 2),
        still("a", "Pull complete"),
        still("b", "Pull complete"),
        { status: "Digest: sha256:1" },
      ),
    );
    expect(lines).toEqual([
      "$ tug pull x",
      "1: Pulling from x",
      "a: Pull complete",
      "b: Pull complete",
      "Digest: sha256:1",
    ]);
  });

  test("more layers than rows leave one line each and nothing else", async () => {
    const screen = new Screen(80, 6);
    screen.write("$ tug pull x\r\n");
    const ids = Array.from({ length: 30 }, (_, at) => `layer${at}`);
    const messages = ["Waiting", "Extracting", "Pull complete"].flatMap((status) => ids.map((id) => still(id, status)));
    const lines = await shown(screen, stream(...messages));
    expect(lines).toEqual(["$ tug pull x", ...ids.map((id) => `${id}: Pull complete`)]);
  });

  test("a window that becomes smaller and larger meanwhile leaves nothing behind", async () => {
    const screen = new Screen(80, 10);
    screen.write("$ tug pull x\r\n");
    async function* messages(): AsyncGenerator<Message, void> {
      for (const id of ["a", "b", "c", "d"]) yield still(id, "Waiting");
      screen.rows = 4;
      for (const id of ["a", "b", "c", "d"]) yield still(id, "Extracting");
      screen.rows = 12;
      for (const id of ["a", "b", "c", "d"]) yield still(id, "Pull complete");
    }
    const lines = await shown(screen, messages());
    const last = lines.slice(-4);
    expect(last).toEqual(["a: Pull complete", "b: Pull complete", "c: Pull complete", "d: Pull complete"]);
  });

  test("a failure leaves the lines as they were at last", async () => {
    const screen = new Screen(80, 10);
    const failing = stream(still("a", "Waiting"), { error: "broken", errorDetail: { message: "broken" } });
    await expect(shown(screen, failing)).rejects.toThrow("broken");
    expect(screen.text).toEqual(["a: Waiting"]);
  });
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("showTransfer() gives the engine's connection up on %s, and ends in %i", async (name, exitCode) => {
  const io = testIo();
  const handlers = new Map<string, () => void>();
  const onSignal = (signal: NodeJS.Signals, handler: () => void) => {
    handlers.set(signal, handler);
    return { [Symbol.dispose]: () => void handlers.delete(signal) };
  };
  async function* hanging(signal: AbortSignal): AsyncGenerator<Message, void> {
    yield still("a", "Waiting");
    handlers.get(name)?.();
    if (signal.aborted) throw new Error("the connection broke");
  }
  const transfer = showTransfer({ io: { ...io, onSignal } } as never, { output: io.stdout, quiet: true }, hanging);
  await expect(transfer).rejects.toMatchObject({ kind: "canceled", message: "", data: { exitCode } });
  expect(io.written.stdout).toBe("");
  expect(handlers.size).toBe(0);
});
