import type { ExitRecord, StartedRecord } from "#executor";
import { ZERO_TIME } from "#lib/time";
import type { ContainerState, Ended, Running } from "./container.ts";

/** What moves a container from one state to another. */
export type StateEvent =
  /** The program runs (`launch.ts`). */
  | { readonly type: "started"; readonly record: StartedRecord }
  /** It could not be started (`launch.ts`). */
  | { readonly type: "start-failed"; readonly exitCode: number; readonly error: string }
  | { readonly type: "paused" }
  | { readonly type: "unpaused" }
  /** It ended (`exit.ts`); `restart`: the policy will start it again. */
  | { readonly type: "exited"; readonly record: ExitRecord; readonly restart: boolean }
  /** The user took back a restart that was due (`stop.ts`, `kill.ts`). */
  | { readonly type: "restart-canceled" }
  | { readonly type: "removing" }
  | { readonly type: "remove-failed" };

/**
 * The state after an event, or undefined where the diagram has no such arrow. Times of the run before stay until a new one replaces them.
 *
 *     created ───────started──────▶ running ◀──paused/unpaused──▶ paused
 *        ▲ ╲                        │  ▲  │                         │
 *        │  start-failed            │  │  └── exited ─┐  ┌─ exited ─┘
 *        └──╯              exited,  │  │ started      ▼  ▼
 *                          restart  │  │            exited ──┐ start-failed
 *                                   ▼  │              ▲  ▲   │
 *                              restarting ────────────┘  └───┘
 *                                     restart-canceled, start-failed
 *
 *     any ──removing──▶ removing ──remove-failed──▶ dead ──removing──▶ removing
 */
export function transition(state: ContainerState, event: StateEvent): ContainerState | undefined {
  switch (event.type) {
    case "started":
      return canStart(state) ? { status: "running", ...event.record, finishedAt: finishedAt(state) } : undefined;
    case "start-failed":
      return startFailed(state, event);
    case "paused":
      return state.status === "running" ? { ...state, status: "paused" } : undefined;
    case "unpaused":
      return state.status === "paused" ? { ...state, status: "running" } : undefined;
    case "exited":
      if (state.status !== "running" && state.status !== "paused") return undefined;
      return { status: event.restart ? "restarting" : "exited", ...ended(state, event.record) };
    case "restart-canceled":
      return state.status === "restarting" ? { ...state, status: "exited" } : undefined;
    case "removing":
      return state.status === "removing" ? undefined : { status: "removing", ...leftBehind(state) };
    case "remove-failed":
      return state.status === "removing" ? { ...state, status: "dead" } : undefined;
  }
}

/** Whether a task may be there: what Docker shows as `Running`. */
export function isRunning(state: ContainerState): state is Extract<ContainerState, Running> {
  return state.status === "running" || state.status === "paused";
}

function canStart(state: ContainerState): boolean {
  return state.status === "created" || state.status === "exited" || state.status === "restarting";
}

function startFailed(
  state: ContainerState,
  { exitCode, error }: { readonly exitCode: number; readonly error: string },
): ContainerState | undefined {
  if (state.status === "created") return { status: "created", exitCode, error };
  if (state.status !== "exited" && state.status !== "restarting") return undefined;
  return { ...state, status: "exited", exitCode, error, oomKilled: false };
}

function ended(run: Running, record: ExitRecord): Ended {
  return {
    exitCode: record.exitCode,
    oomKilled: record.oomKilled,
    error: record.error ?? "",
    startedAt: run.startedAt,
    finishedAt: record.exitedAt,
  };
}

function finishedAt(state: ContainerState): string {
  return "finishedAt" in state && state.finishedAt ? state.finishedAt : ZERO_TIME;
}

function leftBehind(state: ContainerState): Partial<Ended> {
  if (state.status === "created" || isRunning(state)) return {};
  const { status: _, ...rest } = state;
  return rest;
}
