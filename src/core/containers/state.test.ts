import { expect, test } from "bun:test";
import { ZERO_TIME } from "#lib/time";
import type { ContainerState } from "./container.ts";
import { type StateEvent, transition } from "./state.ts";

const run = { pid: 7, startTicks: 99, startedAt: "2026-01-02T00:00:00Z", finishedAt: ZERO_TIME };
const end = { exitCode: 3, oomKilled: false, error: "", startedAt: run.startedAt, finishedAt: "2026-01-02T00:00:09Z" };
const STATES = {
  created: { status: "created" },
  running: { status: "running", ...run },
  paused: { status: "paused", ...run },
  restarting: { status: "restarting", ...end },
  exited: { status: "exited", ...end },
  removing: { status: "removing" },
  dead: { status: "dead" },
} satisfies Record<string, ContainerState>;

const record = { exitCode: 3, signal: 0, oomKilled: false, exitedAt: end.finishedAt };
const started = { pid: 8, startTicks: 100, startedAt: "2026-01-03T00:00:00Z" };
const EVENTS: Record<string, StateEvent> = {
  started: { type: "started", record: started },
  "start-failed": { type: "start-failed", exitCode: 127, error: "no" },
  paused: { type: "paused" },
  unpaused: { type: "unpaused" },
  exited: { type: "exited", record, restart: false },
  "exited, restart": { type: "exited", record, restart: true },
  "restart-canceled": { type: "restart-canceled" },
  removing: { type: "removing" },
  "remove-failed": { type: "remove-failed" },
};

/** The diagram as a table: event → state before → status after. What is not listed is no arrow. */
const ARROWS: Record<string, Record<string, string>> = {
  started: { created: "running", exited: "running", restarting: "running" },
  "start-failed": { created: "created", exited: "exited", restarting: "exited" },
  paused: { running: "paused" },
  unpaused: { paused: "running" },
  exited: { running: "exited", paused: "exited" },
  "exited, restart": { running: "restarting", paused: "restarting" },
  "restart-canceled": { restarting: "exited" },
  removing: {
    created: "removing",
    running: "removing",
    paused: "removing",
    restarting: "removing",
    exited: "removing",
    dead: "removing",
  },
  "remove-failed": { removing: "dead" },
};

for (const [eventName, event] of Object.entries(EVENTS)) {
  for (const [stateName, state] of Object.entries(STATES)) {
    const after = ARROWS[eventName]?.[stateName];
    test(`transition() ${stateName} + ${eventName} → ${after ?? "refused"}`, () => {
      expect(transition(state, event)?.status).toBe(after as ContainerState["status"]);
    });
  }
}

test("transition() keeps the end before a run, and the start of the run that ended", () => {
  const running = transition(STATES.exited, { type: "started", record: started });
  expect(running).toEqual({ status: "running", ...started, finishedAt: end.finishedAt });
  expect(running && transition(running, { type: "exited", record, restart: false })).toEqual({
    status: "exited",
    ...end,
    startedAt: started.startedAt,
  });
});

test("transition() keeps the reason of a failed first start", () => {
  expect(transition(STATES.created, { type: "start-failed", exitCode: 127, error: "no" })).toEqual({
    status: "created",
    exitCode: 127,
    error: "no",
  });
});
