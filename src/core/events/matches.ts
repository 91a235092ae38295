import { familiarName, parseReference } from "#api/distribution";
import type { Event } from "./event.ts";
import { type Filters, matchExact, matchLabels, matchPrefix } from "./filters.ts";

/** Keys that name an actor. Whatever the key, ID and name of any event's actor are looked at, as Docker does. */
const ACTOR_KEYS = ["config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume"];

/** Actions with a detail (`health_status: healthy`): asked for by their bare name, actions match by prefix. */
const DETAILED_ACTIONS = ["health_status", "exec_create", "exec_start"];

/** Events of this engine; a cluster's would be `swarm`. */
const SCOPE = "local";

/** Which events a subscription asks for (engine-api notes 4). Keys that mean nothing here are ignored, as by Docker. */
export function eventMatcher(filters: Filters): (event: Event) => boolean {
  const matchAction = filters.get("event")?.some((value) => DETAILED_ACTIONS.includes(value))
    ? matchPrefix
    : matchExact;
  return (event) =>
    matchAction(filters, "event", event.action) &&
    matchExact(filters, "type", event.type) &&
    matchExact(filters, "scope", SCOPE) &&
    ACTOR_KEYS.every((key) => matchActor(filters, key, event)) &&
    matchImage(filters, event) &&
    matchLabels(filters, "label", event.attributes);
}

function matchActor(filters: Filters, key: string, event: Event): boolean {
  return matchPrefix(filters, key, event.actorID) || matchPrefix(filters, key, event.attributes.name ?? "");
}

/** An image event by its ID or name, a container's by the image it was made from; with or without the tag. */
function matchImage(filters: Filters, event: Event): boolean {
  if (!filters.has("image")) return true;
  const name = event.attributes[event.type === "image" ? "name" : "image"] ?? "";
  return [event.actorID, name, withoutTag(event.actorID), withoutTag(name)].some((text) =>
    matchExact(filters, "image", text),
  );
}

function withoutTag(text: string): string {
  try {
    return familiarName(parseReference(text));
  } catch {
    // Not a reference: an ID, or the empty name of an event that concerns no image.
    return text;
  }
}
