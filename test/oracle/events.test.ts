/** The events of what people do, with their attributes, in order. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { same, sameAnswer } from "./_compare.ts";
import { type Engine, Engines } from "./_engines.ts";
import { normalise } from "./_normalise.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterEach(() => engines.clean());
afterAll(() => engines?.[Symbol.asyncDispose]());

const TRIES = 250;

interface Event {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** What the engine told of this run's containers while `act` was done, up to the first `last`. */
async function during(engine: Engine, act: () => Promise<unknown>, last: string): Promise<Event[]> {
  const since = (Date.now() / 1000).toFixed(6);
  await act();
  // The answer to a request may come before the event that it caused.
  for (let tries = 0; tries < TRIES; tries++) {
    const told = await eventsSince(engine, since);
    if (told.some(({ Action }) => Action === last)) return told;
    await Bun.sleep(20);
  }
  throw new Error(`${engine.which}: no event "${last}"`);
}

async function eventsSince(engine: Engine, since: string): Promise<Event[]> {
  const until = (Date.now() / 1000).toFixed(6);
  const { body } = await engine.send("GET", `/v1.51/events?since=${since}&until=${until}`);
  const lines = body.split("\n").filter(Boolean);
  const all = lines.map((line) => JSON.parse(line) as Event);
  // The last word of a container of an earlier test may come late.
  const isMine = ({ Action, Actor }: Event) => Action !== "destroy" && Actor.Attributes.name?.startsWith(engine.prefix);
  const mine = new Set(all.filter(isMine).map(({ Actor }) => Actor.ID));
  return all.filter(({ Actor }) => mine.has(Actor.ID) || mine.has(Actor.Attributes.container ?? ""));
}

/**
 * Network events come from another part of the engine; their place among the others is not promised. Neither is which of `stop` and
 * `die` Docker tells first: on a busy machine it is now this, now that.
 */
function told(engine: Engine, events: readonly Event[]): { containers: unknown[]; networks: unknown[] } {
  const isNetwork = ({ Type }: Event) => Type === "network";
  const containers = events.filter((event) => !isNetwork(event));
  const late = containers.findIndex(
    ({ Action }, index) => Action === "die" && containers[index + 1]?.Action === "stop",
  );
  if (late >= 0) containers.splice(late, 0, ...containers.splice(late + 1, 1));
  const shown = (event: Event) => normalise(engine, event);
  return { containers: containers.map(shown), networks: events.filter(isNetwork).map(shown) };
}

const SLEEP = { Image: "IMAGE", Cmd: ["sleep", "600"], Labels: { l: "1" } };
const create = (engine: Engine, body: object = SLEEP) => engine.get("POST", "/containers/create?name=P-e", body);

/** Each with the event that is the last. */
const STORIES: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  "a run that ends by itself (die)": async (engine) => {
    await create(engine, { ...SLEEP, Cmd: ["sh", "-c", "exit 3"] });
    await engine.get("POST", "/containers/P-e/start");
    await engine.get("POST", "/containers/P-e/wait");
  },
  "a run that removes itself (destroy)": async (engine) => {
    await create(engine, { ...SLEEP, Cmd: ["cat"], OpenStdin: true, HostConfig: { AutoRemove: true } });
    await engine.get("POST", "/containers/P-e/start");
    const removed = engine.send("POST", "/containers/P-e/wait?condition=removed");
    await engine.get("POST", "/containers/P-e/kill");
    await removed;
  },
  "a stop that takes a signal (destroy)": async (engine) => {
    await create(engine, { ...SLEEP, StopSignal: "KILL" });
    await engine.get("POST", "/containers/P-e/start");
    await engine.get("POST", "/containers/P-e/stop");
    await engine.get("DELETE", "/containers/P-e");
  },
  "a kill (die)": async (engine) => {
    await create(engine);
    await engine.get("POST", "/containers/P-e/start");
    const ended = engine.get("POST", "/containers/P-e/wait");
    await engine.get("POST", "/containers/P-e/kill");
    await ended;
  },
  "a signal that changes nothing (kill)": async (engine) => {
    await create(engine);
    await engine.get("POST", "/containers/P-e/start");
    await engine.get("POST", "/containers/P-e/kill?signal=WINCH");
  },
  "a forced removal (destroy)": async (engine) => {
    await create(engine);
    await engine.get("POST", "/containers/P-e/start");
    await engine.get("DELETE", "/containers/P-e?force=1");
  },
  "a restart (restart)": async (engine) => {
    await create(engine);
    await engine.get("POST", "/containers/P-e/start");
    await engine.get("POST", "/containers/P-e/restart?t=0");
  },
  "pause, rename, resize (rename)": async (engine) => {
    await create(engine, { ...SLEEP, Tty: true });
    await engine.get("POST", "/containers/P-e/start");
    await engine.get("POST", "/containers/P-e/resize?h=5&w=6");
    await engine.get("POST", "/containers/P-e/pause");
    await engine.get("POST", "/containers/P-e/unpause");
    await engine.get("POST", "/containers/P-e/rename?name=P-f");
  },
  "a start that fails (create)": async (engine) => {
    await create(engine, { ...SLEEP, Cmd: ["nosuch"] });
    await engine.send("POST", "/containers/P-e/start");
  },
};

test.each(Object.entries(STORIES))("%s", async (about, story) => {
  const last = /\((.*)\)/.exec(about)?.[1] ?? "";
  const { tug, docker } = await engines.both(async (engine) =>
    told(engine, await during(engine, () => story(engine), last)),
  );
  // A start that fails tells of no network here: the container was never on it.
  if (about.includes("fails")) docker.networks = [];
  same({ tug, docker });
});

test("an exec: created, started, ended", async () => {
  same(
    await engines.both(async (engine) => {
      await create(engine);
      await engine.get("POST", "/containers/P-e/start");
      const events = await during(
        engine,
        async () => {
          await engine.docker(["exec", "P-e", "sh", "-c", "exit 3"]);
        },
        "exec_die",
      );
      const shown = events
        .map((event) => normalise(engine, event) as Event)
        .filter(({ Action }) => Action.startsWith("exec"));
      return shown.map((event) => ({
        ...event,
        Actor: { ...event.Actor, Attributes: { ...event.Actor.Attributes, execID: "<id>" } },
      }));
    }),
  );
});

test("an OOM kill", async () => {
  const { tug, docker } = await engines.both(async (engine) => {
    const script = "x=$(head -c 64m /dev/zero | tr '\\0' x); echo done";
    const events = await during(
      engine,
      async () => {
        await create(engine, {
          ...SLEEP,
          Cmd: ["sh", "-c", script],
          HostConfig: { Memory: 8 << 20, MemorySwap: 8 << 20 },
        });
        await engine.get("POST", "/containers/P-e/start");
        await engine.get("POST", "/containers/P-e/wait");
      },
      "die",
    );
    return new Set(events.map(({ Action }) => Action));
  });
  expect(tug).toEqual(docker);
});

test("filters", async () => {
  await engines.both((engine) => engine.get("POST", "/containers/create?name=P-filtered", SLEEP));
  for (const filters of [
    { container: ["P-filtered"] },
    { container: ["P-filtered"], event: ["create"] },
    { container: ["P-filtered"], event: ["start"] },
    { container: ["P-filtered"], type: ["container"] },
    { container: ["P-filtered"], type: ["image"] },
    { container: ["P-filtered"], label: ["l=1"] },
    { container: ["P-filtered"], label: ["l=2"] },
    { container: ["P-filtered"], image: ["IMAGE"] },
    { container: ["P-filtered"], nope: ["x"] },
    { container: ["P-filtered"], scope: ["local"] },
  ]) {
    const text = encodeURIComponent(engines.tug.expand(JSON.stringify(filters)));
    // A moment ahead, so that what was just done lies before it; both engines wait for that moment.
    const until = ((Date.now() + 20) / 1000).toFixed(6);
    await sameAnswer(engines, "GET", `/v1.51/events?since=1&until=${until}&filters=${text}`);
  }
  await sameAnswer(engines, "GET", "/v1.51/events?since=2&until=1");
  await sameAnswer(engines, "GET", "/v1.51/events?since=x");
});
