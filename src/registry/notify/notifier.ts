import { join } from "node:path";
import type { Notify, RegistryEvent } from "../registry.ts";
import { type Deliveries, Endpoint, type EndpointParts, type EndpointSettings } from "./endpoint.ts";
import { type EventSource, wireEvent } from "./envelope.ts";

export interface NotifierOptions extends Omit<EndpointParts, "savePath"> {
  /** Folder for what could not be delivered before the end. */
  readonly root: string;
  readonly endpoints: readonly EndpointSettings[];
  readonly source: EventSource;
}

export interface Notifier extends Notify {
  /** By the name of each endpoint. */
  readonly deliveries: ReadonlyMap<string, Deliveries>;
  /** Delivers what can be within `graceMs`, and saves the rest. */
  close(graceMs: number): Promise<void>;
}

/** Tells every endpoint about every event. */
export async function openNotifier({ root, endpoints, source, ...parts }: NotifierOptions): Promise<Notifier> {
  const open = await Promise.all(
    endpoints.map((settings) => Endpoint.open(settings, { ...parts, savePath: join(root, `${settings.name}.json`) })),
  );
  return {
    emit: (event: RegistryEvent) => {
      if (open.length === 0) return;
      const wire = wireEvent(event, source);
      for (const endpoint of open) endpoint.add(wire);
    },
    get deliveries() {
      return new Map(open.map(({ settings, deliveries }) => [settings.name, deliveries]));
    },
    close: async (graceMs) => {
      await Promise.all(open.map((endpoint) => endpoint.close(graceMs)));
    },
  };
}
