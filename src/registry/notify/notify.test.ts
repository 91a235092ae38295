import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "#lib/log";
import { TestClock } from "../_test-clock.ts";
import { digestOf } from "../_testing.ts";
import type { RegistryEvent } from "../registry.ts";
import type { EndpointSettings } from "./endpoint.ts";
import { wireEvent } from "./envelope.ts";
import { openNotifier } from "./notifier.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const SOURCE = { url: "https://registry.test:5000", instanceId: "instance" };

function event(id: string, more: Partial<RegistryEvent> = {}): RegistryEvent {
  return {
    id,
    timeNano: 1_800_000_000_123_000_000n,
    action: "push",
    repository: "team/app",
    digest: digestOf("manifest"),
    tag: "v1",
    mediaType: MANIFEST,
    size: 42,
    principal: { name: "alice" },
    peer: { address: "192.0.2.1" },
    method: "PUT",
    userAgent: "docker/28.5",
    ...more,
  };
}

test("wireEvent() writes what docker-registry writes", () => {
  const digest = digestOf("manifest");
  expect(wireEvent(event("e1"), SOURCE)).toEqual({
    id: "e1",
    timestamp: "2027-01-15T08:00:00.123Z",
    action: "push",
    target: {
      mediaType: MANIFEST,
      digest,
      size: 42,
      length: 42,
      repository: "team/app",
      url: `https://registry.test:5000/v2/team/app/manifests/${digest}`,
      tag: "v1",
    },
    request: { id: "e1", addr: "192.0.2.1", host: "registry.test:5000", method: "PUT", useragent: "docker/28.5" },
    actor: { name: "alice" },
    source: { addr: "registry.test:5000", instanceID: "instance" },
  });
});

test("wireEvent() leaves out what is not known, and tells blobs from manifests", () => {
  const { digest: _, tag: __, mediaType: ___, size: ____, ...bare } = event("e1", { userAgent: undefined });
  const deleted = wireEvent({ ...bare, principal: { name: undefined }, action: "delete" }, SOURCE);
  expect(deleted).toMatchObject({ target: { repository: "team/app" }, actor: {} });
  expect(Object.keys(deleted.target)).toEqual(["repository"]);
  const blob = wireEvent(event("e2", { mediaType: "application/octet-stream", fromRepository: "base" }), SOURCE);
  expect(blob.target).toMatchObject({
    fromRepository: "base",
    url: expect.stringContaining("/v2/team/app/blobs/sha256:"),
  });
});

describe("openNotifier()", () => {
  let root: string;
  let clock: TestClock;
  let logged: string[];
  /** What arrived: events by their ids, a list for each request. */
  let received: string[][];
  let requests: { url: string; init: RequestInit }[];
  /** How the receiver answers the next requests; then with 200. */
  let answers: (() => Promise<Response>)[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "tug-notify-"));
    clock = new TestClock();
    [logged, received, requests, answers] = [[], [], [], []];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function open(...endpoints: Partial<EndpointSettings>[]) {
    const defaults = { url: "http://hook.test/", headers: {}, timeoutMs: 5_000, backoffMs: 1_000 };
    return openNotifier({
      root,
      endpoints: endpoints.map((settings, index) => ({
        name: `hook${index}`,
        ...defaults,
        ignore: { actions: [], mediaTypes: [] },
        ...settings,
      })),
      source: SOURCE,
      clock,
      log: createLogger({
        level: "debug",
        format: "text",
        now: () => new Date(0),
        write: (line) => void logged.push(line),
      }),
      fetch: async (url, init) => {
        requests.push({ url, init });
        const answer = answers.shift();
        const response = answer === undefined ? new Response() : await answer();
        if (response.ok) {
          const { events } = JSON.parse(init.body as string) as { events: { id: string }[] };
          received.push(events.map(({ id }) => id));
        }
        return response;
      },
    });
  }

  /** Lets promises that are ready have their turn. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const status = (code: number) => async () => new Response("no", { status: code });
  /** Answers never, until it is given up. */
  const hanging = () =>
    new Promise<Response>((_, reject) => {
      const signal = requests.at(-1)?.init.signal;
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const broken = async (): Promise<Response> => {
    throw new Error("connection refused");
  };

  test("sends what Docker's receivers expect", async () => {
    const notifier = await open({ headers: { Authorization: "Bearer hook-secret" } });
    notifier.emit(event("e1"));
    await settle();
    expect(requests[0]).toMatchObject({
      url: "http://hook.test/",
      init: {
        method: "POST",
        headers: {
          "Content-Type": "application/vnd.docker.distribution.events.v1+json",
          Authorization: "Bearer hook-secret",
        },
      },
    });
    expect(JSON.parse(requests[0]?.init.body as string)).toEqual({ events: [wireEvent(event("e1"), SOURCE)] });
    expect(notifier.deliveries.get("hook0")).toEqual({ delivered: 1, failed: 0, dropped: 0, waiting: 0 });
  });

  test("tells every receiver what it does not ignore", async () => {
    const notifier = await open(
      { ignore: { actions: ["pull"], mediaTypes: [] } },
      { ignore: { actions: [], mediaTypes: ["application/octet-stream"] } },
    );
    notifier.emit(event("push"));
    notifier.emit(event("pull", { action: "pull" }));
    notifier.emit(event("blob", { mediaType: "application/octet-stream" }));
    await settle();
    await settle();
    expect(notifier.deliveries.get("hook0")?.delivered).toBe(2);
    expect(notifier.deliveries.get("hook1")?.delivered).toBe(2);
    expect(received.flat().sort()).toEqual(["blob", "pull", "push", "push"]);
  });

  test("sends what came meanwhile together, and in order", async () => {
    const gate = Promise.withResolvers<Response>();
    answers.push(() => gate.promise);
    const notifier = await open({});
    for (let i = 0; i < 101; i++) notifier.emit(event(`e${i}`));
    gate.resolve(new Response());
    while (notifier.deliveries.get("hook0")?.waiting !== 0) await settle();
    expect(received.map(({ length }) => length)).toEqual([1, 50, 50]);
    expect(received.flat()).toEqual(Array.from({ length: 101 }, (_, i) => `e${i}`));
  });

  test("tries again after pauses that grow, and says once that it fails", async () => {
    answers.push(broken, status(503), status(401), broken);
    const notifier = await open({});
    notifier.emit(event("e1"));
    const pauses: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      await settle();
      pauses.push(clock.nextMs);
      clock.advance(clock.nextMs ?? 0);
    }
    await settle();
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(received).toEqual([["e1"]]);
    expect(notifier.deliveries.get("hook0")).toEqual({ delivered: 1, failed: 4, dropped: 0, waiting: 0 });
    expect(logged).toEqual([expect.stringContaining("notification failed: connection refused")]);
    expect(logged.join()).not.toContain("secret");
  });

  test("a receiver that does not answer is given up after its time", async () => {
    answers.push(hanging);
    const notifier = await open({ timeoutMs: 100 });
    notifier.emit(event("e1"));
    await settle();
    clock.advance(100);
    await settle();
    expect(notifier.deliveries.get("hook0")).toMatchObject({ failed: 1, waiting: 1 });
    expect(logged.join()).toContain("no answer within 100 ms");
  });

  test("drops what is refused for good, and goes on", async () => {
    answers.push(status(400));
    const notifier = await open({});
    notifier.emit(event("bad"));
    await settle();
    notifier.emit(event("good"));
    await settle();
    expect(received).toEqual([["good"]]);
    expect(notifier.deliveries.get("hook0")).toMatchObject({ delivered: 1, dropped: 1, waiting: 0 });
  });

  test("drops the oldest when too many wait", async () => {
    answers.push(broken);
    const notifier = await open({});
    for (let i = 0; i < 10_010; i++) notifier.emit(event(`e${i}`));
    await settle();
    expect(notifier.deliveries.get("hook0")).toMatchObject({ dropped: 10, waiting: 10_000 });
    expect(logged.filter((line) => line.includes("more than 10000 events wait"))).toHaveLength(1);
  });

  test("what cannot be delivered before the end is delivered by the next run", async () => {
    answers.push(broken, broken);
    const first = await open({});
    first.emit(event("e1"));
    await settle();
    first.emit(event("e2"));
    await first.close(1_000);
    expect(received).toEqual([]);
    const saved = join(root, "hook0.json");
    expect(JSON.parse(readFileSync(saved, "utf8"))).toHaveLength(2);
    await open({});
    await settle();
    expect(received).toEqual([["e1", "e2"]]);
    expect(existsSync(saved)).toBe(false);
  });

  test("the end does not wait for a receiver that hangs", async () => {
    const notifier = await open({});
    answers.push(hanging);
    notifier.emit(event("e1"));
    await settle();
    const closed = notifier.close(200);
    await settle();
    clock.advance(200);
    await closed;
    expect(existsSync(join(root, "hook0.json"))).toBe(true);
  });

  test("a file of an earlier run that is damaged stops nobody", async () => {
    writeFileSync(join(root, "hook0.json"), "{");
    const notifier = await open({});
    notifier.emit(event("e1"));
    await settle();
    expect(received).toEqual([["e1"]]);
    expect(logged.join()).toContain("events of an earlier run cannot be read");
  });
});
