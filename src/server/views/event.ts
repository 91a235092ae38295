import type { EventMessage } from "#api/engine";
import type { Event } from "#core/events";
import type { Wire } from "./wire.ts";

// `timeNano` is beyond what a double holds exactly, so it is put in as digits.
const NANO_PLACE = '"timeNano":0';

/** One event as a line of JSON. Container and image events carry the fields of API 1.21, too, which clients still read. */
export function eventLine(event: Event): string {
  const legacy = event.type === "container" || event.type === "image";
  const document: Wire<EventMessage> & Record<string, unknown> = {
    ...(legacy && { status: event.action, id: event.actorID, ...fromOf(event) }),
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.actorID, Attributes: event.attributes },
    scope: "local",
    time: Number(event.timeNano / 1_000_000_000n),
    timeNano: 0,
  };
  const text = JSON.stringify(document);
  const at = text.lastIndexOf(NANO_PLACE);
  return `${text.slice(0, at)}"timeNano":${event.timeNano}${text.slice(at + NANO_PLACE.length)}\n`;
}

function fromOf(event: Event): { from?: string } {
  const image = event.type === "container" ? event.attributes.image : undefined;
  return image ? { from: image } : {};
}
