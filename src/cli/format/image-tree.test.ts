import { expect, test } from "bun:test";
import type { ImageManifestSummary, ImageSummary } from "#api/engine";
import { testIo } from "../_test-io.ts";
import { styleFor } from "./explain/style.ts";
import { imageTree } from "./image-tree.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

function image(letter: string, fields: Partial<ImageSummary>): ImageSummary {
  const common = {
    ParentId: "",
    RepoTags: [],
    RepoDigests: [],
    Created: 0,
    Size: 6_000_000,
    SharedSize: -1,
    Containers: -1,
  };
  return { ...common, Id: digest(letter), Labels: {}, ...fields };
}

function manifest(letter: string, platform: string, fields: Partial<ImageManifestSummary> = {}): ImageManifestSummary {
  const [os = "", architecture = "", variant] = platform.split("/");
  const Platform = { os, architecture, ...(variant && { variant }) };
  return {
    ID: digest(letter),
    Descriptor: null as never,
    Available: true,
    Size: { Total: 6_000_000, Content: 2_000_000 },
    Kind: "image",
    ImageData: { Platform, Containers: [], Size: { Unpacked: 4_000_000 } },
    ...fields,
  };
}

const IMAGES = [
  image("a", {
    RepoTags: ["other-name:1", "multi:latest", "registry.example:5000/a/long/name/of/a/repository:with-a-tag"],
    Created: 100,
    Manifests: [
      manifest("1", "linux/amd64", {
        ImageData: { Platform: { os: "linux", architecture: "amd64" }, Containers: ["c"], Size: { Unpacked: 1 } },
      }),
      manifest("2", "linux/arm/v7", { Available: false, Size: { Total: 500, Content: 500 } }),
      manifest("3", "", { Kind: "attestation", ImageData: null, AttestationData: { For: digest("1") } }),
    ],
  }),
  image("b", { RepoTags: ["newer:1"], Created: 200, Manifests: [manifest("4", "linux/amd64")] }),
  image("c", { Created: 50 }),
];

test("imageTree() shows images newest first, their other names above, their platforms below", () => {
  const style = styleFor(testIo(), { truncate: true });
  expect(
    imageTree(IMAGES, { ...style, columns: 100 }),
  ).toBe(`IMAGE            ID            DISK USAGE  CONTENT SIZE  EXTRA
newer:1          bbbbbbbbbbbb         6MB           2MB
└─ linux/amd64   444444444444         6MB           2MB

other-name:1
registry.example:5000/a/long/name/of/a/repository:with-a-tag
multi:latest     aaaaaaaaaaaa         6MB           2MB  in use
├─ linux/amd64   111111111111         6MB           2MB  in use
└─ linux/arm/v7  222222222222        500B          500B

<untagged>       cccccccccccc         6MB            0B

`);
});

test("imageTree() on a terminal makes names bold, and dim what is not here", () => {
  const text = imageTree(IMAGES, styleFor(testIo({ columns: 100 }), { truncate: true }));
  expect(text).toContain("\x1b[1mnewer:1\x1b[0m");
  expect(text).toContain("\x1b[2m└─ linux/arm/v7\x1b[0m");
  expect(text).not.toContain("\x1b[2m├─ linux/amd64");
});
