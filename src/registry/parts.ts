import type { Digest } from "#api/oci";
import { KeyedLock } from "#lib/async";
import { ActiveUploads } from "./active-uploads.ts";
import type { Principal, RegistryEvent, RegistryOptions } from "./registry.ts";
import { Rules } from "./rules.ts";

/** What requests, collector and retention share. */
export interface Parts extends RegistryOptions {
  readonly rules: Rules;
  readonly active: ActiveUploads;
  /**
   * Orders, for each digest, what makes bytes a blob of a repository against what takes them away: whoever links stores the bytes first
   * and the collector forgets the blob first, both while holding this.
   */
  readonly linking: KeyedLock;
}

export function createParts(options: RegistryOptions): Parts {
  return { ...options, rules: new Rules(options.settings), active: new ActiveUploads(), linking: new KeyedLock() };
}

/** Who asks, and the request, for the event that comes of it. */
export interface Cause {
  readonly request: Request;
  readonly principal: Principal;
  readonly address: string;
}

export interface Happening {
  readonly action: RegistryEvent["action"];
  readonly repository: string;
  readonly digest?: Digest;
  readonly tag?: string;
  readonly mediaType?: string;
  readonly size?: number;
  readonly fromRepository?: string;
}

export function emit(parts: Parts, cause: Cause, happening: Happening): void {
  parts.notify.emit({
    ...happening,
    id: parts.newId(),
    timeNano: parts.clock.nowNano(),
    principal: cause.principal,
    peer: { address: cause.address },
    method: cause.request.method,
    userAgent: cause.request.headers.get("User-Agent") ?? undefined,
  });
}

export function nowMs(parts: Parts): number {
  return Number(parts.clock.nowNano() / 1_000_000n);
}
