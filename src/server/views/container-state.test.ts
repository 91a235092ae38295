import { describe, expect, test } from "bun:test";
import type { ContainerState } from "#core/containers";
import { containerState, statusText } from "./container-state.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const run = { pid: 7, startTicks: 1, startedAt: "2026-01-02T03:04:02Z", finishedAt: "" };
const ended = {
  exitCode: 3,
  oomKilled: true,
  error: "why",
  startedAt: "2026-01-02T03:00:00Z",
  finishedAt: "2026-01-02T01:04:05Z",
};

const table: [ContainerState, string, Record<string, unknown>][] = [
  [{ status: "created" }, "Created", { Running: false, Pid: 0, StartedAt: "0001-01-01T00:00:00Z" }],
  [{ status: "running", ...run }, "Up 3 seconds", { Running: true, Pid: 7, FinishedAt: "0001-01-01T00:00:00Z" }],
  [{ status: "paused", ...run }, "Up 3 seconds (Paused)", { Running: true, Paused: true, Pid: 7 }],
  [{ status: "restarting", ...ended }, "Restarting (3) 2 hours ago", { Running: true, Restarting: true, Pid: 0 }],
  [
    { status: "exited", ...ended },
    "Exited (3) 2 hours ago",
    { Running: false, ExitCode: 3, OOMKilled: true, Error: "why", FinishedAt: ended.finishedAt },
  ],
  [{ status: "removing" }, "Removal In Progress", { Running: false, Dead: false, ExitCode: 0 }],
  [{ status: "dead", ...ended }, "Dead", { Running: false, Dead: true, ExitCode: 3 }],
];

test("statusText() shows the health of a running container", () => {
  const running = { status: "running", ...run } as const;
  expect(statusText(running, NOW, "healthy")).toBe("Up 3 seconds (healthy)");
  expect(statusText(running, NOW, "starting")).toBe("Up 3 seconds (health: starting)");
  expect(statusText(running, NOW, "none")).toBe("Up 3 seconds");
});

describe.each(table)("a container that is %j", (state, text, flags) => {
  test("statusText() shows it in a list", () => {
    expect(statusText(state, NOW)).toBe(text);
  });

  test("containerState() derives its flags", () => {
    expect(containerState(state)).toMatchObject({ Status: state.status, ...flags });
  });
});
