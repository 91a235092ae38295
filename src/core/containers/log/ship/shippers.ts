import { join } from "node:path";
import type { Background } from "#lib/async";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { Container, ContainerID } from "../../container.ts";
import { remoteDrivers } from "./drivers.ts";
import { Shipper, type ShipperReports } from "./shipper.ts";
import type { SinkMachine } from "./sink.ts";

export interface ShippersOptions {
  /** Of a container: its log file. */
  readonly logPath: (id: ContainerID) => string;
  /** Of a container: a folder that lasts as long as it does. */
  readonly folder: (id: ContainerID) => string;
  readonly machine: () => SinkMachine;
  readonly clock: Clock;
  readonly background: Pick<Background, "run">;
  readonly logger: Logger;
}

/** A container that goes waits so long for a sink that takes what it is given; for one that does not, not at all. As Docker. */
const LEAVE_LIMIT_MS = 10_000;
const POSITION = "shipped.json";

/** Who sends the logs of which container. Nothing of it concerns containers whose driver sends nothing. */
export class Shippers {
  readonly #options: ShippersOptions;
  readonly #shippers = new Map<ContainerID, Shipper>();

  constructor(options: ShippersOptions) {
    this.#options = options;
  }

  /** Sends what a container writes until `ended`, and what it wrote before that was not sent yet. A second run goes on where the first is. */
  follow(container: Container, ended: Promise<unknown>): void {
    const shipper = this.#shipperOf(container);
    if (!shipper) return;
    // Without its monitor nothing is written either. A daemon that lets go of it stops the shipper besides.
    ended.then(
      () => shipper.finish(),
      () => shipper.finish(),
    );
  }

  /** Sends what an earlier daemon left of a container that does not run. */
  catchUp(container: Container): void {
    this.#shipperOf(container)?.finish();
  }

  /** Before the log of a container is removed: what is on its way is sent, when it can be. */
  async leave(id: ContainerID): Promise<void> {
    const shipper = this.#shippers.get(id);
    if (!shipper) return;
    shipper.finish();
    const limit = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(LEAVE_LIMIT_MS, limit.resolve);
    const done = shipper.done.catch(() => undefined);
    await Promise.race([shipper.sent, done, shipper.failed, limit.promise]);
    cancel();
    await shipper.stop();
  }

  /** Lets go of all of them: the next daemon goes on. */
  async release(): Promise<void> {
    await Promise.all([...this.#shippers.values()].map((shipper) => shipper.stop()));
  }

  #shipperOf(container: Container): Shipper | undefined {
    const known = this.#shippers.get(container.id);
    if (known?.resume()) return known;
    const shipper = this.#make(container, known?.done);
    if (!shipper) return undefined;
    this.#shippers.set(container.id, shipper);
    this.#options.background.run(
      `log of container ${container.id}`,
      shipper.done.finally(() => {
        if (this.#shippers.get(container.id) === shipper) this.#shippers.delete(container.id);
      }),
    );
    return shipper;
  }

  #make(container: Container, after: Promise<void> | undefined): Shipper | undefined {
    const { Type: type, Config: options = {} } = container.hostConfig.LogConfig ?? {};
    const driver = remoteDrivers[type ?? ""];
    if (!driver) return undefined;
    const { logPath, folder, machine, clock } = this.#options;
    const subject = { ...container, argv: [container.path, ...container.args] };
    return new Shipper({
      logPath: logPath(container.id),
      positionPath: join(folder(container.id), POSITION),
      subject: container.id,
      open: driver.sink(options, subject, machine()),
      clock,
      retryMs: driver.retryMs?.(options),
      after,
      report: this.#reports(container, type ?? ""),
    });
  }

  #reports({ id }: Container, driver: string): ShipperReports {
    const { logger } = this.#options;
    return {
      failed: (reason) => logger.warn("log lines wait for their sink", { container: id, driver, reason }),
      recovered: () => logger.info("log lines are sent again", { container: id, driver }),
      lost: (lines) =>
        logger.error("log lines were rotated away before their sink took them", {
          container: id,
          driver,
          atLeast: lines ?? "unknown",
        }),
    };
  }
}
