import type { ContainerState as ApiState } from "#api/engine";
import type { ContainerState } from "#core/containers";
import { durationText, ZERO_TIME } from "#lib/time";

/** The flags of the API, derived here and nowhere else: a paused or restarting container counts as running, too. */
export function containerState(state: ContainerState): NonNullable<ApiState> {
  const { status } = state;
  return {
    Status: status,
    Running: status === "running" || status === "paused" || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: "oomKilled" in state ? state.oomKilled === true : false,
    Dead: status === "dead",
    Pid: "pid" in state ? state.pid : 0,
    ExitCode: "exitCode" in state ? (state.exitCode ?? 0) : 0,
    Error: "error" in state ? (state.error ?? "") : "",
    StartedAt: startedAt(state),
    FinishedAt: finishedAt(state),
  };
}

/** The `STATUS` column of a list: `Up 5 minutes`, `Exited (0) 3 seconds ago`. */
export function statusText(state: ContainerState, now: Date, health?: string): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "running":
      return `Up ${since(state.startedAt, now)}${healthText(health)}`;
    case "paused":
      return `Up ${since(state.startedAt, now)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt, now)} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt, now)} ago`;
  }
}

function healthText(health: string | undefined): string {
  if (!health || health === "none") return "";
  return health === "starting" ? " (health: starting)" : ` (${health})`;
}

function startedAt(state: ContainerState): string {
  return "startedAt" in state ? state.startedAt || ZERO_TIME : ZERO_TIME;
}

function finishedAt(state: ContainerState): string {
  return "finishedAt" in state ? state.finishedAt || ZERO_TIME : ZERO_TIME;
}

function since(time: string, now: Date): string {
  return durationText(now.getTime() - Date.parse(time));
}
