import type { Clock } from "#lib/time";
import { type AccessSettings, openAccess, type Peer, type WatchedAccess, watchAccess } from "#registry";
import type { RegistryConfig } from "./config.ts";
import { reporter } from "./reporter.ts";
import type { RegistryHost } from "./start-registry.ts";

/** Who may do what, by settings that may change while the registry serves. */
export interface Doors {
  readonly access: WatchedAccess;
  /** The token service; undefined where there is none. */
  tokens(request: Request, peer: Peer): Promise<Response> | undefined;
  /** Reads what other settings need. They hold once the result is called. @throws as `openAccess` */
  prepare(settings: AccessSettings): Promise<() => void>;
}

export async function openDoors({ root, url, access: settings }: RegistryConfig, host: RegistryHost): Promise<Doors> {
  const { clock, newId, verifyPassword, log } = host;
  const parts = { root, url, clock, newId, verifyPassword, report: reporter(log, "read password file again") };
  let open = await openAccess(settings, parts);
  return {
    access: watchAccess({ authorize: (...request) => open.access.authorize(...request) }),
    tokens: (request, peer) => open.tokens?.(request, peer),
    prepare: async (next) => {
      const opened = await openAccess(next, parts);
      return () => {
        open = opened;
      };
    },
  };
}

export function dateOf(clock: Clock): Date {
  return new Date(Number(clock.nowNano() / 1_000_000n));
}
