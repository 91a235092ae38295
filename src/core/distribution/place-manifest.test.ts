import { describe, expect, test } from "bun:test";
import type { RepositoryName, Tag } from "#api/distribution";
import type { Descriptor, Digest } from "#api/oci";
import type { OutgoingBlob, Registries, RemoteRepository } from "./distribution.ts";
import { type ManifestPlacement, placeManifest } from "./place-manifest.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as Digest;
const blob = (letter: string): Descriptor => ({ mediaType: "x", digest: digest(letter), size: 3 });
const DOCUMENT = { schemaVersion: 2, config: blob("a"), layers: [blob("b"), blob("c")] };

/** A registry that has blob `a` at the target already, mounts `b`, and nothing else. */
function registry() {
  const done: string[] = [];
  const repository = (name: RepositoryName, { action }: { action: string }) =>
    ({
      name,
      hasBlob: async (asked: Digest) => asked === digest("a"),
      async mountBlob(asked: Digest, from: string) {
        if (asked !== digest("b")) return false;
        done.push(`mount ${asked[7]} from ${from}`);
        return true;
      },
      async *blob({ digest: asked }: Descriptor, { offset = 0 }: { offset?: number }) {
        yield Buffer.from(asked.slice(7, 10)).subarray(offset);
      },
      async pushBlob({ open }: OutgoingBlob) {
        const bytes = Buffer.concat(await Array.fromAsync(open(1)));
        done.push(`push ${bytes} to ${name} (${action})`);
        return blob("c");
      },
      async putManifest(reference: string) {
        done.push(`put ${name} ${reference}`);
        return digest("d");
      },
    }) as unknown as RemoteRepository;
  const registries: Pick<Registries, "repository"> = { repository };
  const place = (document: unknown, from?: string) => {
    const placement: ManifestPlacement = {
      name: "r.test/to" as RepositoryName,
      reference: "1" as Tag,
      bytes: document instanceof Uint8Array ? document : Buffer.from(JSON.stringify(document)),
      mediaType: "m",
      ...(from !== undefined && { from: from as RepositoryName }),
      signal: new AbortController().signal,
    };
    return placeManifest(registries, placement);
  };
  return { place, done };
}

describe("placeManifest()", () => {
  test("mounts the blobs that are missing, and copies what the registry does not mount", async () => {
    const { place, done } = registry();
    expect(await place(DOCUMENT, "r.test/from/here")).toBe(digest("d"));
    expect(done).toEqual(["mount b from from/here", "push cc to r.test/to (push)", "put r.test/to 1"]);
  });

  test.each([[undefined], ["r.test/to"]])("brings no blobs from %p", async (from) => {
    const { place, done } = registry();
    await place(DOCUMENT, from);
    expect(done).toEqual(["put r.test/to 1"]);
  });

  test("leaves the manifests of an index alone", async () => {
    const { place, done } = registry();
    await place({ schemaVersion: 2, manifests: [blob("c")] }, "r.test/from");
    expect(done).toEqual(["put r.test/to 1"]);
  });

  test.each([
    [null],
    ["text"],
    [{ config: null }],
    [{ config: blob("a"), layers: "many" }],
    [{ config: blob("a"), layers: [{ digest: "sha256:../..", size: 1 }] }],
    [{ config: blob("a"), layers: [{ ...blob("b"), size: -1 }] }],
    [{ config: blob("a"), layers: [{ ...blob("b"), size: 1.5 }] }],
    [Buffer.from("{")],
    [Buffer.from([0x22, 0xff, 0x22])],
  ])("refuses %p", async (document) => {
    const { place, done } = registry();
    await expect(place(document, "r.test/from")).rejects.toMatchObject({ kind: "invalid-parameter" });
    expect(done).toEqual([]);
  });
});
