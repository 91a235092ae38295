/** What shipping must do with every driver. A driver's test calls `shippingSuite` with a server that takes apart what arrives. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createProcessExecutor } from "#executor";
import type { TestSink } from "#fixtures";
import { createLogger } from "#lib/log";
import { type Clock, systemClock } from "#lib/time";
import type { LogSubject, Options } from "../options/subject.ts";
import { Shipper } from "./shipper.ts";
import type { RemoteDriver, SinkMachine } from "./sink.ts";

export const SUBJECT: LogSubject = {
  id: "c0ffee".repeat(10).padEnd(64, "0"),
  name: "web",
  imageID: `sha256:${"1".repeat(64)}`,
  imageName: "busybox:1",
  createdAt: "2026-01-02T03:04:05.000000006Z",
  config: { Labels: { tier: "db" }, Env: ["STAGE=prod"] },
  argv: ["echo", "hello"],
};

export interface ShippingCase {
  readonly driver: RemoteDriver;
  readonly sink: (folder: string) => Promise<TestSink>;
  readonly options: (sink: TestSink) => Options;
  /** The lines that arrived, in order. */
  readonly lines: (received: readonly Buffer[]) => string[];
  /** With how many lines a slow sink is tried: where nothing tells that its buffer is full, as many as that has room for. */
  readonly slowLines?: number;
}

/** A log as the monitor writes it, and the machine around it. */
export class Workshop implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "tug-ship-"));
  readonly logFolder = join(this.folder, "log");
  readonly path = join(this.logFolder, "id-json.log");
  readonly reports: string[] = [];
  readonly machine: SinkMachine;
  readonly #executor;
  #files = 1;

  constructor() {
    mkdirSync(this.logFolder);
    this.#executor = createProcessExecutor({
      binaryPath: join(import.meta.dir, "../../../../../build/tug-exec"),
      socketsDir: join(this.folder, "sockets"),
      log: createLogger({ level: "error", format: "text", write: () => undefined, now: () => new Date() }),
    });
    this.machine = { executor: this.#executor, clock: hasty(systemClock()), hostname: hostname(), processID: 99 };
  }

  write(lines: readonly string[], stream = "stdout"): void {
    const time = "2026-01-02T03:04:05.123456789Z";
    const records = lines.map((line) => `${JSON.stringify({ log: `${line}\n`, stream, time })}\n`);
    appendFileSync(this.path, records.join(""));
  }

  rotate(keep: number): void {
    rmSync(`${this.path}.${keep - 1}`, { force: true });
    for (let number = Math.min(this.#files, keep - 1); number > 0; number--) {
      renameSync(number === 1 ? this.path : `${this.path}.${number - 1}`, `${this.path}.${number}`);
    }
    this.#files = Math.min(this.#files + 1, keep - 1);
    writeFileSync(this.path, "");
  }

  ship(driver: RemoteDriver, options: Options): Shipper {
    return new Shipper({
      logPath: this.path,
      positionPath: join(this.folder, "shipped.json"),
      subject: SUBJECT.id,
      open: driver.sink(options, SUBJECT, this.machine),
      clock: this.machine.clock,
      retryMs: 20,
      report: {
        failed: () => this.reports.push("failed"),
        recovered: () => this.reports.push("recovered"),
        lost: (lines) => this.reports.push(`lost ${lines}`),
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Time runs ten times as fast: tests do not wait for what is only there to be waited for. */
function hasty(clock: Clock): Clock {
  const begin = clock.nowNano();
  return {
    nowNano: () => begin + (clock.nowNano() - begin) * 10n,
    after: (delayMs, callback) => clock.after(delayMs / 10, callback),
  };
}

export const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} <&> "ü"`);

/** Resolves when the condition holds after a piece arrived. */
export async function arrival(sink: TestSink, condition: () => boolean): Promise<void> {
  const there = Promise.withResolvers<void>();
  const before = sink.onData;
  sink.onData = (data, socket) => {
    before(data, socket);
    if (condition()) there.resolve();
  };
  if (condition()) there.resolve();
  await there.promise;
  sink.onData = before;
}

export function shippingSuite(name: string, { driver, sink: makeSink, options, lines, slowLines }: ShippingCase): void {
  describe(name, () => {
    let workshop: Workshop;
    let sink: TestSink;
    beforeAll(() => {
      workshop = new Workshop();
    });
    afterAll(() => workshop[Symbol.asyncDispose]());

    async function fresh(): Promise<void> {
      await workshop[Symbol.asyncDispose]();
      workshop = new Workshop();
      sink = await makeSink(workshop.folder);
    }
    const arrived = () => lines(sink.received);
    const has = (count: number) => () => new Set(arrived()).size >= count;

    test("lines arrive in order, over rotations, and the shipper ends with the log", async () => {
      await fresh();
      await using _sink = sink;
      workshop.write(numbered(0, 10));
      const shipper = workshop.ship(driver, options(sink));
      await arrival(sink, has(10));
      workshop.rotate(3);
      workshop.write(numbered(10, 20));
      workshop.write(numbered(20, 30), "stderr");
      await arrival(sink, has(30));
      shipper.finish();
      await shipper.done;
      expect(arrived()).toEqual(numbered(0, 30));
      expect(workshop.reports).toEqual([]);
    });

    test("a sink that is not there at first gets everything", async () => {
      await fresh();
      await using _sink = sink;
      await sink.die();
      workshop.write(numbered(0, 20));
      const shipper = workshop.ship(driver, options(sink));
      await shipper.failed;
      workshop.rotate(3);
      workshop.write(numbered(20, 30));
      await sink.rise();
      await arrival(sink, has(30));
      shipper.finish();
      await shipper.done;
      expect([...new Set(arrived())]).toEqual(numbered(0, 30));
      expect(workshop.reports).toEqual(["failed", "recovered"]);
    });

    test("a sink that dies in the middle misses nothing when it is back", async () => {
      await fresh();
      await using _sink = sink;
      const shipper = workshop.ship(driver, options(sink));
      workshop.write(numbered(0, 50));
      await arrival(sink, has(50));
      await sink.die();
      workshop.write(numbered(50, 100));
      await sink.rise();
      await arrival(sink, has(100));
      shipper.finish();
      await shipper.done;
      expect([...new Set(arrived())]).toEqual(numbered(0, 100));
    });

    test("a slow sink is waited for", async () => {
      await fresh();
      await using _sink = sink;
      sink.pause();
      const count = slowLines ?? 20_000;
      workshop.write(numbered(0, count));
      const shipper = workshop.ship(driver, options(sink));
      await new Promise(setImmediate);
      sink.goOn();
      await arrival(sink, () => sink.received.length > 0 && has(count)());
      shipper.finish();
      await shipper.done;
      expect(arrived()).toEqual(numbered(0, count));
    });

    test("a later daemon goes on where the one before came to", async () => {
      await fresh();
      await using _sink = sink;
      const first = workshop.ship(driver, options(sink));
      workshop.write(numbered(0, 30));
      await arrival(sink, has(30));
      first.finish();
      await first.done;
      workshop.write(numbered(30, 40));
      workshop.rotate(3);
      workshop.write(numbered(40, 50));
      const second = workshop.ship(driver, options(sink));
      second.finish();
      await second.done;
      await arrival(sink, has(50));
      expect(arrived()).toEqual(numbered(0, 50));
    });

    test("a daemon that stops in the middle leaves the rest to the next", async () => {
      await fresh();
      await using _sink = sink;
      const first = workshop.ship(driver, options(sink));
      workshop.write(numbered(0, 30));
      await arrival(sink, has(30));
      await first.stop();
      workshop.write(numbered(30, 60));
      const second = workshop.ship(driver, options(sink));
      await arrival(sink, has(60));
      second.finish();
      await second.done;
      expect([...new Set(arrived())]).toEqual(numbered(0, 60));
    });

    test("lines that rotate away while the sink is down are counted", async () => {
      await fresh();
      await using _sink = sink;
      await sink.die();
      workshop.write(numbered(0, 10));
      const shipper = workshop.ship(driver, options(sink));
      await shipper.failed;
      for (let round = 1; round < 4; round++) {
        workshop.rotate(2);
        workshop.write(numbered(round * 10, round * 10 + 10));
        await shipper.looked();
      }
      await sink.rise();
      await arrival(sink, () => arrived().includes(numbered(39, 40)[0] as string));
      shipper.finish();
      await shipper.done;
      // The file that was being read is read to its end; of the others, two are left.
      expect([...new Set(arrived())]).toEqual([...numbered(0, 10), ...numbered(20, 40)]);
      expect(workshop.reports).toEqual(["failed", "lost 10", "recovered"]);
    });
  });
}
