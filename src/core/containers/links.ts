/**
 * Legacy links of the default bridge (`--link CONTAINER:ALIAS`): the linked container's address in /etc/hosts under its alias, and
 * its ports and variables in the environment. What is kept is the linked container's ID; names are looked up when somebody asks, so
 * that they follow a rename. `PARENT/ALIAS` is one more name of the linked container (moby daemon/links, container_operations_unix.go).
 */
import { readFile, writeFile } from "node:fs/promises";
import type { HostConfig } from "#api/engine";
import type { HostEntry } from "#core/runtime";
import { EngineError, isKind } from "#lib/errors";
import type { Container, ContainerID, Link } from "./container.ts";
import type { Context } from "./context.ts";
import { defaultLink, noSuchContainer, refused } from "./errors.ts";
import { linkEnvironment } from "./link-environment.ts";
import { isRunning } from "./state.ts";
import type { ContainerStore } from "./store.ts";

/** The links that a host config asks for. @throws `invalid-parameter`, in Docker's words */
export function resolveLinks(store: ContainerStore, { Links, NetworkMode = "" }: HostConfig): Link[] {
  const wanted = Links ?? [];
  if (wanted.length > 0 && NetworkMode === "host") throw undefinedBehavior("host");
  if (wanted.length > 0 && NetworkMode.startsWith(CONTAINER)) throw undefinedBehavior("container");
  const links = new Map<string, Link>();
  for (const { reference, alias } of wanted.map(parseLink)) {
    const { id } = linkable(store, reference);
    // Of two with one alias the first stays, and one without is none, as with Docker.
    if (alias !== "" && !links.has(alias)) links.set(alias, { containerID: id, alias });
  }
  return [...links.values()];
}

const CONTAINER = "container:";

function undefinedBehavior(what: "host" | "container"): EngineError {
  const type = what === "container" ? "container type network" : "host type networking";
  return refused(`conflicting options: ${type} can't be used with links. This would result in undefined behavior`);
}

/** `CONTAINER[:ALIAS]`, or `/CONTAINER:/PARENT/ALIAS` as inspect shows it. */
function parseLink(text: string): { reference: string; alias: string } {
  if (text === "") throw refused("empty string specified for links");
  const [reference = "", alias, ...rest] = text.split(":");
  if (rest.length > 0) throw refused(`bad format for links: ${text}`);
  if (alias === undefined) return { reference, alias: reference.replace(/^\//, "") };
  return { reference, alias: reference.startsWith("/") ? alias.slice(alias.lastIndexOf("/") + 1) : alias };
}

/** The container a link leads to: whoever owns the network that the named one joined. */
function linkable(store: ContainerStore, reference: string): Container {
  let found = lookUp(store, reference);
  // Each joined one before it was made: that ends.
  for (let mode = found.hostConfig.NetworkMode ?? ""; mode.startsWith(CONTAINER); ) {
    found = lookUp(store, mode.slice(CONTAINER.length));
    mode = found.hostConfig.NetworkMode ?? "";
  }
  if (found.hostConfig.NetworkMode === "host") throw undefinedBehavior("host");
  return found;
}

function lookUp(store: ContainerStore, reference: string): Container {
  if (reference === "") throw refused('could not get container for : invalid name or ID supplied: ""');
  try {
    return store.resolve(reference);
  } catch (error) {
    if (!isKind(error, "not-found")) throw error;
    throw refused(`could not get container for ${reference}: ${noSuchContainer(reference).message}`);
  }
}

/** A link with the container at its end. */
export interface LinkedContainer {
  readonly alias: string;
  readonly container: Container;
}

/** The links whose containers are still there. */
function linkedContainers(store: ContainerStore, { links = [] }: Container): LinkedContainer[] {
  return links.flatMap(({ containerID, alias }) => {
    const container = store.find(containerID);
    return container ? [{ alias, container }] : [];
  });
}

/** As inspect shows them: `/CONTAINER:/PARENT/ALIAS`. */
export function linkTexts(store: ContainerStore, parent: Container): string[] {
  return linkedContainers(store, parent).map(({ alias, container }) => `/${container.name}:${linkName(parent, alias)}`);
}

/** The names that links give to containers, by the ID of the linked one. */
export function namesByLinks(store: ContainerStore): Map<ContainerID, string[]> {
  const names = new Map<ContainerID, string[]>();
  for (const parent of store.all()) {
    for (const { containerID, alias } of parent.links ?? []) {
      names.set(containerID, [...(names.get(containerID) ?? []), linkName(parent, alias)]);
    }
  }
  return names;
}

function linkName({ name }: Container, alias: string): string {
  return `/${name}/${alias}`;
}

/** Takes a link away, named `PARENT/ALIAS`. @throws `not-found`; Docker's answer to who means the container itself */
export async function removeLink({ store, locks }: Context, reference: string): Promise<void> {
  const [, parentName = "", alias = ""] = /^\/?([^/]*)\/([^/]*)$/.exec(reference) ?? [];
  if (alias === "") {
    store.resolve(reference);
    throw defaultLink();
  }
  const parent = [...store.all()].find(({ name }) => name === parentName);
  if (!parent) throw noSuchContainer(reference);
  await locks.run(parent.id, () => {
    const links = store.get(parent.id).links ?? [];
    if (!links.some((link) => link.alias === alias)) throw noSuchContainer(reference);
    store.update(parent.id, { links: links.filter((link) => link.alias !== alias) });
  });
  await store.durable();
}

/** What a start finds at the ends of its links. @throws `failed-precondition` when one of them is not on the bridge */
export function connectedLinks(store: ContainerStore, parent: Container): LinkedContainer[] {
  const linked = bridgeLinks(store, parent);
  for (const { alias, container } of linked) {
    if (!isRunning(container.state)) throw notRunningEnd(parent, { alias, container });
    if (!container.endpoint) throw notOnBridge(container.id);
  }
  return linked;
}

/** The variables of those linked containers that can be reached. */
export function linkVariables(store: ContainerStore, parent: Container): string[] {
  return bridgeLinks(store, parent)
    .filter(({ container }) => isRunning(container.state) && container.endpoint)
    .flatMap((link) => linkEnvironment(linkName(parent, link.alias), link));
}

/** Links only mean something on the default bridge. */
function bridgeLinks(store: ContainerStore, parent: Container): LinkedContainer[] {
  const { config, hostConfig } = parent;
  return hostConfig.NetworkMode !== "bridge" || config.NetworkDisabled ? [] : linkedContainers(store, parent);
}

function notOnBridge(id: ContainerID): EngineError {
  return new EngineError("failed-precondition", `container ${id} not attached to default bridge network`);
}

function notRunningEnd(parent: Container, { alias, container }: LinkedContainer): EngineError {
  return new EngineError(
    "failed-precondition",
    `Cannot link to a non running container: /${container.name} AS ${linkName(parent, alias)}`,
  );
}

/** Lines for /etc/hosts. */
export function linkedHosts(linked: readonly LinkedContainer[]): HostEntry[] {
  return linked.map(({ alias, container: { name, config, endpoint } }) => ({
    address: endpoint?.address ?? "",
    names: [alias, config.Hostname ?? "", ...(alias === name ? [] : [name])],
  }));
}

/**
 * Gives the containers that are linked to one its address of this start. Only the address in the lines of its alias changes:
 * the rest of the file is their own. It is written in place, since it is bind-mounted.
 */
export async function updateLinkedHosts({ store, layout }: Context, child: Container): Promise<void> {
  const address = child.endpoint?.address;
  if (!address) return;
  for (const parent of store.all()) {
    const aliases = (parent.links ?? []).filter(({ containerID }) => containerID === child.id);
    if (aliases.length === 0 || !isRunning(parent.state)) continue;
    const path = layout.files(parent.id).hosts;
    // One that has ended meanwhile has no files any more.
    const text = await readFile(path, "utf8").catch(() => "");
    const changed = aliases.reduce((before, { alias }) => withAddress(before, alias, address), text);
    if (changed !== text) await writeFile(path, changed);
  }
}

function withAddress(hosts: string, alias: string, address: string): string {
  return hosts.replace(/^\S+(?=\t(\S+))/gm, (before, name) => (name === alias ? address : before));
}
