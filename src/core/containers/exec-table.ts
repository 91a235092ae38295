import type { Monitor } from "#executor";
import type { Clock } from "#lib/time";
import type { ContainerID, Exec } from "./container.ts";
import { noSuchExec } from "./errors.ts";

/** How long a finished exec can still be asked for its exit code: as long as Docker's at least. */
const KEEP_MS = 5 * 60_000;

interface Entry {
  exec: Exec;
  monitor?: Monitor;
  /** Settles when its start has worked or failed. */
  start?: Promise<unknown>;
}

/** The execs of this daemon's life, by ID; those that ended are forgotten after a while, and all with their container. */
export class ExecTable {
  readonly #byID = new Map<string, Entry>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(exec: Exec): void {
    this.#byID.set(exec.id, { exec });
  }

  /** @throws `not-found` */
  get(id: string): Exec {
    return this.#entry(id).exec;
  }

  monitorOf(id: string): Monitor | undefined {
    return this.#entry(id).monitor;
  }

  setStart(id: string, start: Promise<unknown>): void {
    this.#entry(id).start = start;
  }

  /** Resolves when no start of it is under way. */
  async settled(id: string): Promise<void> {
    await this.#entry(id).start?.catch(() => undefined);
  }

  /** Of those that run. */
  monitors(): Monitor[] {
    return [...this.#byID.values()].flatMap(({ exec, monitor }) =>
      monitor && exec.state.status === "running" ? [monitor] : [],
    );
  }

  /** Those that run or are still to be started. */
  unfinished(containerID: ContainerID): string[] {
    return this.#of(containerID)
      .filter(({ exec }) => exec.state.status !== "exited")
      .map(({ exec }) => exec.id);
  }

  setState(id: string, state: Exec["state"], monitor?: Monitor): void {
    const entry = this.#byID.get(id);
    if (!entry) return;
    entry.exec = { ...entry.exec, state };
    if (monitor) entry.monitor = monitor;
    if (state.status === "exited") this.#clock.after(KEEP_MS, () => this.#byID.delete(id));
  }

  /** Execs that never ran cannot any more: their container ended. */
  containerEnded(containerID: ContainerID): void {
    for (const { exec } of this.#of(containerID)) {
      if (exec.state.status === "created") this.#byID.delete(exec.id);
    }
  }

  forget(containerID: ContainerID): void {
    for (const { exec } of this.#of(containerID)) this.#byID.delete(exec.id);
  }

  #entry(id: string): Entry {
    const entry = this.#byID.get(id);
    if (!entry) throw noSuchExec(id);
    return entry;
  }

  #of(containerID: ContainerID): Entry[] {
    return [...this.#byID.values()].filter(({ exec }) => exec.containerID === containerID);
  }
}
