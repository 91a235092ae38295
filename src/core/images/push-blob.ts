/** One blob of a push: found at the registry, mounted there, sent from here, or carried over from another registry. */
import { type RepositoryName, splitRepository } from "#api/distribution";
import { progressText } from "#api/engine";
import { type Descriptor, type Digest, hexOf } from "#api/oci";
import { Slots, together } from "#lib/async";
import { isKind } from "#lib/errors";
import { compressLayer, ownForm } from "./compress/compress-layer.ts";
import type { Push } from "./push.ts";
import type { ImageRecords, StoredLayer } from "./records.ts";

export interface OutgoingBlob {
  readonly descriptor: Descriptor;
  /** The layer that it is a form of. */
  readonly layer?: StoredLayer;
  /** Under which its messages go; without, nothing is said of it. */
  readonly shown?: string;
}

type Outcome = "there" | "sent" | { readonly mountedFrom: string };

/** Asking costs the registry little. */
const ASKED_AT_ONCE = 16;
/** A mount that was refused thrice is not worth a fourth request. */
const MOUNTS_LIMIT = 3;
/** One report for so many bytes. */
const REPORT_BYTES = 512 * 1024;

/** Layers are shown by their diffID, as by Docker: the digest that is sent may not be known yet. */
export function shownLayer({ diffID }: Pick<StoredLayer, "diffID">): string {
  return hexOf(diffID).slice(0, 12);
}

/** Other repositories of the same registry that have a blob or manifest, the one seen last first. */
export function sourcesAt(records: ImageRecords, name: RepositoryName, digest: Digest): RepositoryName[] {
  const { domain } = splitRepository(name);
  return records.forms.sources(digest).filter((other) => other !== name && splitRepository(other).domain === domain);
}

/** Brings all of them to the registry; false when one of them is not to be had, if possible before any is sent. */
export async function sendBlobs(push: Push, blobs: readonly OutgoingBlob[]): Promise<boolean> {
  const slots = new Slots(() => ASKED_AT_ONCE);
  const missing = await together(
    blobs.map((blob) => (signal) => slots.run(async () => ((await isThere({ ...push, signal }, blob)) ? [] : [blob]))),
    push.signal,
  );
  const wanted = missing.flat();
  for (const blob of wanted) if (!(await mayBeHad(push, blob))) return false;
  const works = wanted.map((blob) => (signal: AbortSignal) => sendMissing({ ...push, signal }, blob));
  return (await together(works, push.signal)).every(Boolean);
}

/** The same for one. */
export async function sendBlob(push: Push, blob: OutgoingBlob): Promise<boolean> {
  return await sendBlobs(push, [blob]);
}

async function isThere(push: Push, blob: OutgoingBlob): Promise<boolean> {
  const { digest } = blob.descriptor;
  // One that this push brings already is waited for later.
  if (push.sent.has(digest) || !(await push.repository.hasBlob(digest, push.signal))) return false;
  tell(push, blob, "there");
  push.sent.set(digest, Promise.resolve(true));
  return true;
}

async function mayBeHad({ context }: Push, { descriptor, layer }: OutgoingBlob): Promise<boolean> {
  const { digest } = descriptor;
  if (context.records.forms.sources(digest).length > 0) return true;
  if (layer && ownForm(context, layer)?.digest === digest) return true;
  return await context.content.has(digest);
}

/** A blob that two manifests list is sent once. */
async function sendMissing(push: Push, blob: OutgoingBlob): Promise<boolean> {
  const { digest } = blob.descriptor;
  const before = push.sent.get(digest);
  if (before) {
    const isSent = await before;
    if (isSent) tell(push, blob, "there");
    return isSent;
  }
  const sending = send(push, blob);
  push.sent.set(digest, sending);
  return await sending;
}

async function send(push: Push, blob: OutgoingBlob): Promise<boolean> {
  const { uploads } = push.context.transfers;
  if (uploads.isFull) say(push, blob, "Waiting");
  const outcome = await uploads.run(
    async () => (await mount(push, blob)) ?? (await sendFromHere(push, blob)) ?? (await carryOver(push, blob)),
    push.signal,
  );
  if (outcome !== undefined) tell(push, blob, outcome);
  return outcome !== undefined;
}

async function mount(
  { context, repository, signal }: Push,
  { descriptor }: OutgoingBlob,
): Promise<Outcome | undefined> {
  const others = sourcesAt(context.records, repository.name, descriptor.digest);
  for (const { path } of others.map(splitRepository).slice(0, MOUNTS_LIMIT)) {
    if (await repository.mountBlob(descriptor.digest, path, signal)) return { mountedFrom: path };
  }
  return undefined;
}

async function sendFromHere(push: Push, blob: OutgoingBlob): Promise<Outcome | undefined> {
  const { context, lease, signal } = push;
  const { descriptor, layer } = blob;
  const { digest, size } = descriptor;
  lease.add(digest);
  if (!(await context.content.has(digest))) {
    if (!layer || ownForm(context, layer)?.digest !== digest) return undefined;
    // Another version of the engine may have made it in another way.
    if ((await compressLayer(context, layer, { lease, signal })).digest !== digest) return undefined;
  }
  const open = (offset: number): AsyncIterable<Uint8Array> =>
    offset < size ? context.content.open(digest, { start: offset, end: size - 1 }) : NOTHING;
  await upload(push, blob, open);
  return "sent";
}

/** From a registry that had it when we last looked, without a copy of it here. */
async function carryOver(push: Push, blob: OutgoingBlob): Promise<Outcome | undefined> {
  const { context, repository, credentials, signal } = push;
  const { descriptor } = blob;
  const { domain } = splitRepository(repository.name);
  for (const name of context.records.forms.sources(descriptor.digest)) {
    if (name === repository.name) continue;
    const isSameRegistry = splitRepository(name).domain === domain;
    const source = context.registries.repository(name, {
      action: "pull",
      ...(credentials && isSameRegistry ? { credentials } : {}),
    });
    const reading = new Watched();
    try {
      await upload(push, blob, (offset) => reading.watch(source.blob(descriptor, { signal, offset })));
      return "sent";
    } catch (error) {
      // What the source did is no reason to give up; what the target or the user did is.
      if (signal.aborted || reading.error === undefined) throw error;
      if (isKind(reading.error, "not-found")) context.records.forms.removeSource(descriptor.digest, name);
    }
  }
  return undefined;
}

async function upload(
  push: Push,
  blob: OutgoingBlob,
  open: (offset: number) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const { digest, size } = blob.descriptor;
  let reported = 0;
  const onProgress = (current: number) => {
    if (current < size && Math.abs(current - reported) < REPORT_BYTES) return;
    reported = current;
    say(push, blob, "Pushing", { current, total: size });
  };
  await push.repository.pushBlob({ open, digest, size }, { signal: push.signal, onProgress });
}

function tell(push: Push, blob: OutgoingBlob, outcome: Outcome): void {
  if (outcome === "there") say(push, blob, "Layer already exists");
  else if (outcome === "sent") say(push, blob, "Pushed");
  else say(push, blob, `Mounted from ${outcome.mountedFrom}`);
}

function say(
  { report }: Push,
  { shown }: OutgoingBlob,
  status: string,
  detail?: { current: number; total: number },
): void {
  if (shown === undefined) return;
  if (detail === undefined) report({ status, progressDetail: {}, id: shown });
  else report({ status, progressDetail: detail, progress: progressText(detail), id: shown });
}

/** Remembers why a stream failed, which its reader may wrap or replace. */
class Watched {
  error: unknown;

  async *watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      this.error = error;
      throw error;
    }
  }
}

const NOTHING: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} };
