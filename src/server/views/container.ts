import type { ContainerInspectResponse, ContainerSummary, Health, HostConfig } from "#api/engine";
import type { Container, ContainerPaths } from "#core/containers";
import { containerConfigView } from "./container-config.ts";
import { containerState, statusText } from "./container-state.ts";
import { hostConfigView } from "./host-config.ts";
import { type NetworkIDs, networkSettings, networksOf, portRows } from "./network-settings.ts";
import { unixSeconds, type Wire } from "./wire.ts";

export interface InspectFacts {
  readonly paths: ContainerPaths;
  readonly appArmorProfile: string;
  readonly execIDs: readonly string[];
  /** `/CONTAINER:/PARENT/ALIAS` */
  readonly links: readonly string[];
  /** Undefined without a health check. */
  readonly health?: NonNullable<Health> | undefined;
  readonly storageDriver: string;
  readonly networkIDs: NetworkIDs;
  /** When it was asked for. */
  readonly size?: { readonly rw: number; readonly rootFs: number };
}

/** `GET /containers/{id}/json`. */
export function containerInspect(container: Container, facts: InspectFacts): Wire<ContainerInspectResponse> {
  // The files are written by the first start.
  const paths = container.state.status === "created" ? undefined : facts.paths;
  return {
    Id: container.id,
    Created: container.createdAt,
    Path: container.path,
    Args: [...container.args],
    State: { ...containerState(container.state), ...(facts.health && { Health: facts.health }) },
    Image: container.imageID,
    ResolvConfPath: paths?.resolvConf ?? "",
    HostnamePath: paths?.hostname ?? "",
    HostsPath: paths?.hosts ?? "",
    LogPath: paths?.log ?? "",
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: facts.storageDriver,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: facts.appArmorProfile,
    ExecIDs: facts.execIDs.length === 0 ? null : facts.execIDs,
    HostConfig: hostConfigView(withLinks(container.hostConfig, facts.links)),
    GraphDriver: { Data: null, Name: facts.storageDriver },
    ...(facts.size && { SizeRw: facts.size.rw, SizeRootFs: facts.size.rootFs }),
    Mounts: [...container.mounts],
    Config: containerConfigView(container.config),
    NetworkSettings: networkSettings(container, facts.networkIDs),
  };
}

/** Links as they are now, not as they were asked for. */
function withLinks({ Links: _, ...hostConfig }: HostConfig, links: readonly string[]): HostConfig {
  return links.length > 0 ? { ...hostConfig, Links: [...links] } : hostConfig;
}

export interface SummaryFacts {
  /** The image's name as the user typed it, or its ID when that name now means another image. */
  readonly image: string;
  /** Further names, which other containers' links give it. */
  readonly linkNames: readonly string[];
  readonly networkIDs: NetworkIDs;
  readonly health?: NonNullable<Health> | undefined;
  readonly now: Date;
  readonly size?: { readonly rw: number; readonly rootFs: number };
}

/** A row of `GET /containers/json`. */
export function containerSummary(container: Container, facts: SummaryFacts): Wire<ContainerSummary> {
  return {
    Id: container.id,
    Names: [`/${container.name}`, ...facts.linkNames].sort(),
    Image: facts.image,
    ImageID: container.imageID,
    Command: commandText(container),
    Created: unixSeconds(container.createdAt),
    Ports: portRows(container),
    ...(facts.size && facts.size.rw > 0 && { SizeRw: facts.size.rw }),
    ...(facts.size && facts.size.rootFs > 0 && { SizeRootFs: facts.size.rootFs }),
    Labels: container.config.Labels ?? {},
    State: container.state.status,
    Status: statusText(container.state, facts.now, facts.health?.Status),
    HostConfig: {
      NetworkMode: container.hostConfig.NetworkMode || "bridge",
      ...(container.hostConfig.Annotations && { Annotations: container.hostConfig.Annotations }),
    },
    NetworkSettings: { Networks: networksOf(container, facts.networkIDs) },
    Mounts: [...container.mounts],
  };
}

function commandText(container: Container): string {
  const quoted = container.args.map((argument) => (argument.includes(" ") ? `'${argument}'` : argument));
  return [container.path, ...quoted].join(" ");
}
