import type { RegistryEvent } from "../registry.ts";

export const EVENTS_MEDIA_TYPE = "application/vnd.docker.distribution.events.v1+json";

/** Where events come from, for receivers of several registries. */
export interface EventSource {
  /** `https://registry.example`: how clients reach this registry. */
  readonly url: string;
  /** Of this process. */
  readonly instanceId: string;
}

/** An event as docker-registry writes it ("Notifications", its events' format). */
export interface WireEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly action: RegistryEvent["action"];
  readonly target: {
    readonly mediaType?: string;
    readonly digest?: string;
    readonly size?: number;
    readonly length?: number;
    readonly repository: string;
    readonly fromRepository?: string;
    readonly url?: string;
    readonly tag?: string;
  };
  readonly request: {
    readonly id: string;
    readonly addr: string;
    readonly host: string;
    readonly method: string;
    readonly useragent?: string;
  };
  readonly actor: { readonly name?: string };
  readonly source: { readonly addr: string; readonly instanceID: string };
}

export function wireEvent(event: RegistryEvent, source: EventSource): WireEvent {
  const { id, action, repository, digest, tag, mediaType, size, fromRepository, principal, peer, method } = event;
  const host = new URL(source.url).host;
  return {
    id,
    timestamp: new Date(Number(event.timeNano / 1_000_000n)).toISOString(),
    action,
    target: {
      ...(mediaType && { mediaType }),
      ...(digest && { digest, url: urlOf(event, source.url) }),
      ...(size !== undefined && { size, length: size }),
      repository,
      ...(fromRepository && { fromRepository }),
      ...(tag && { tag }),
    },
    request: { id, addr: peer.address, host, method, ...(event.userAgent && { useragent: event.userAgent }) },
    actor: principal.name === undefined ? {} : { name: principal.name },
    source: { addr: host, instanceID: source.instanceId },
  };
}

function urlOf({ repository, digest, mediaType }: RegistryEvent, url: string): string {
  const kind = mediaType === undefined || mediaType === "application/octet-stream" ? "blobs" : "manifests";
  return `${url}/v2/${repository}/${kind}/${digest}`;
}
