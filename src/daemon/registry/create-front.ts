import { messageOf } from "#lib/errors";
import type { Clock } from "#lib/time";
import {
  type AuditLog,
  auditRecord,
  createHandler,
  createMetrics,
  type MetricSource,
  type Peer,
  type Registry,
  type RegistryStorage,
} from "#registry";
import { isLoopback } from "./address.ts";
import { type Doors, dateOf } from "./open-doors.ts";

export interface FrontParts {
  readonly registry: Registry;
  readonly doors: Doors;
  readonly audit: AuditLog | undefined;
  readonly sources: readonly MetricSource[];
  readonly storage: RegistryStorage;
  readonly clock: Clock;
  /** Whom metrics are shown to. */
  readonly shows: "off" | "loopback" | "everyone";
}

/** All that is served at the registry's address, counted and written down. */
export function createFront(parts: FrontParts): (request: Request, peer: Peer) => Promise<Response> {
  const { registry, doors, audit, sources, storage, clock, shows } = parts;
  const metrics = createMetrics(sources);
  const isShown = (address: string) => shows === "everyone" || (shows === "loopback" && isLoopback(address));
  return createHandler({
    registry,
    access: doors.access,
    tokens: doors.tokens,
    health: () => faultsOf(storage),
    metrics: async ({ address }) => (isShown(address) ? await metrics.render() : undefined),
    observers: [
      metrics.observe,
      (exchange) => {
        const record = audit && auditRecord(exchange, dateOf(clock));
        if (record !== undefined) audit?.add(record);
      },
    ],
    clock,
  });
}

/** Whoever cannot make anything durable cannot take a push. */
async function faultsOf({ manifests }: RegistryStorage): Promise<Record<string, string>> {
  try {
    await manifests.durable();
    return {};
  } catch (error) {
    return { storage: messageOf(error) };
  }
}
