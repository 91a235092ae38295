import { posix } from "node:path";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "#api/distribution";
import { byteString } from "#lib/fs";
import { type TarHeader, tarArchive } from "#lib/tar";
import { addImage, withLease } from "./add.ts";
import type { ImagesContext } from "./context.ts";
import { parseImageDocument } from "./document.ts";
import type { BuiltinImage } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { storeLayer } from "./ingest/store-layer.ts";

/** Everything in the image is from this time, so that the same program gives the same image ID everywhere. */
const MADE = { seconds: 1_767_225_600, text: "2026-01-01T00:00:00Z" };

/** Adds the image the first time; afterwards it is the user's. */
export async function seedBuiltin(context: ImagesContext, builtin: BuiltinImage): Promise<void> {
  const name = withDefaultTag(parseReference(builtin.name));
  const key = formatReference(name);
  if (context.records.isSeeded(key)) return;
  await withLease(context, async (lease) => {
    const layer = await storeLayer(context, { source: once(makeLayer(builtin)) }, { lease, signal: NEVER });
    const config = Buffer.from(
      JSON.stringify({
        architecture: context.platform.architecture,
        config: { Entrypoint: [builtin.path], Env: ["PATH=/"], Labels: { "org.opencontainers.image.title": "hello" } },
        created: MADE.text,
        history: [{ created: MADE.text, created_by: "tug", comment: "built in" }],
        os: context.platform.os,
        rootfs: { type: "layers", diff_ids: [layer.diffID] },
      }),
    );
    // A name that the user has given to something else stays there.
    const names = context.records.findByName(key) ? [] : [name];
    const { id } = await addImage(
      context,
      { config, document: parseImageDocument(config), layers: [layer], names },
      lease,
    );
    context.records.markSeeded(key);
    emitImageEvent(context, id, "load", familiarReference(name));
  });
}

/** The program in its directories, and the places where a container's own files are mounted. */
function makeLayer({ program, path }: BuiltinImage): Uint8Array {
  const modified = { seconds: MADE.seconds, nanoseconds: 0 };
  const directories = ["/dev", "/etc", "/proc", "/sys", "/tmp", ...parentsOf(path)];
  const members = [...new Set(directories)].sort().map(
    (directory): TarHeader => ({
      type: "directory",
      name: byteString(`${directory.slice(1)}/`),
      mode: directory === "/tmp" ? 0o1777 : 0o755,
      modified,
    }),
  );
  const file = { type: "file", name: byteString(path.slice(1)), mode: 0o755, modified, content: program } as const;
  return tarArchive([...members, file]);
}

function parentsOf(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === "/" ? [] : [...parentsOf(parent), parent];
}

/** A seed is made when the daemon starts, which nothing interrupts. */
const NEVER = new AbortController().signal;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
