import { acceptOnly, type Filters, matchPruneLabels } from "#core/events";
import { isKind } from "#lib/errors";
import { nanoOf, parseDuration, parseTimestamp } from "#lib/time";
import type { Container, ContainerID } from "./container.ts";
import { type Context, settled } from "./context.ts";
import { refused } from "./errors.ts";
import { removeRecordAndData } from "./remove.ts";

const PRUNABLE = ["created", "exited", "dead"];

/** Removes all containers that do not run; anonymous volumes stay, as Docker's do. */
export async function prune(
  context: Context,
  filters: Filters,
): Promise<{ deleted: ContainerID[]; reclaimedBytes: number }> {
  acceptOnly(filters, ["label", "label!", "until"]);
  const before = untilOf(filters, context.clock.nowNano());
  const deleted: ContainerID[] = [];
  let reclaimedBytes = 0;
  for (const { id } of [...context.store.all()]) {
    await settled(context, id);
    const container = context.store.find(id);
    if (!container || !isPrunable(container, filters, before)) continue;
    const bytes = await context.snapshotter.usage(id);
    try {
      await removeRecordAndData(context, id, { volumes: false });
    } catch (error) {
      // Somebody else started or removed it meanwhile.
      if (isKind(error, "conflict") || isKind(error, "not-found")) continue;
      throw error;
    }
    deleted.push(id);
    reclaimedBytes += bytes;
  }
  context.events.emit({
    type: "container",
    action: "prune",
    actorID: "",
    attributes: { reclaimed: String(reclaimedBytes) },
  });
  return { deleted, reclaimedBytes };
}

function isPrunable({ state, createdAt, config }: Container, filters: Filters, before: bigint | undefined): boolean {
  return (
    PRUNABLE.includes(state.status) &&
    (before === undefined || (nanoOf(createdAt) ?? 0n) < before) &&
    matchPruneLabels(filters, config.Labels)
  );
}

/** A point in time, or a duration before now. */
function untilOf(filters: Filters, now: bigint): bigint | undefined {
  const values = filters.get("until");
  if (!values || values.length === 0) return undefined;
  if (values.length > 1) throw refused("more than one until filter specified");
  const text = values[0] ?? "";
  const duration = parseDuration(text);
  const point = duration === undefined ? parseTimestamp(text) : now - duration;
  if (point === undefined)
    throw refused(`invalid value for "until" filter: "${text}" is neither a time nor a duration`);
  return point;
}
