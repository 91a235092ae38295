import { describe, expect, test } from "bun:test";
import type { ImageID } from "#core/images";
import type { DiffID } from "#core/snapshots";
import { image } from "../_testing.ts";
import history from "./golden/history.json";
import golden from "./golden/image.json";
import rows from "./golden/images.json";
import { historyItem, imageInspect, imageSummary } from "./image.ts";
import { sharedBytes } from "./image-sharing.ts";

/** An image as a Docker 28.5 shows it, and the same as our store would hold it. */
const imported = image({
  tags: ["docker.io/library/tughttp-bb:1"],
  sizeBytes: golden.Size,
  lastTagTime: golden.Metadata.LastTagTime,
  document: {
    architecture: "amd64",
    os: "linux",
    created: golden.Created,
    comment: "Imported from -",
    docker_version: golden.DockerVersion,
    config: { Cmd: ["sh"], Env: ["A=b"], ExposedPorts: { "80/tcp": {} }, Labels: { x: "y" } },
    rootfs: { type: "layers", diff_ids: golden.RootFS.Layers as DiffID[] },
  },
});

describe("imageInspect()", () => {
  const inspect = (version: number) => imageInspect(imported, { version, storageDriver: "overlay2" }) as object;

  test("is what Docker says", () => {
    expect(inspect(51)).toEqual({ ...golden, GraphDriver: { Name: "overlay2", Data: null } });
  });

  test("has the fields that later versions dropped", () => {
    expect(inspect(44)).toHaveProperty("ContainerConfig");
    expect(inspect(45)).not.toHaveProperty("ContainerConfig");
    expect(inspect(43)).toHaveProperty("VirtualSize", golden.Size);
    expect(inspect(44)).not.toHaveProperty("VirtualSize");
  });
});

describe("imageSummary()", () => {
  test("is what Docker says", () => {
    const row = imageSummary(imported, { version: 51, containers: 4, sharedBytes: -1 });
    expect([row] as object[]).toEqual(rows);
  });

  test("names a dangling image for clients that expect a name", () => {
    const dangling = image({ tags: [], digests: [] });
    const row = (version: number) => imageSummary(dangling, { version, containers: 0, sharedBytes: 0 });
    expect(row(42)).toMatchObject({ RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] });
    expect(row(43)).toMatchObject({ RepoTags: [], RepoDigests: [] });
  });
});

test("historyItem() is what Docker says", () => {
  const entry = {
    id: golden.Id,
    created: golden.Created,
    createdBy: "",
    tags: ["docker.io/library/tughttp-bb:1"],
    sizeBytes: golden.Size,
    comment: "Imported from -",
  };
  expect([historyItem(entry)] as object[]).toEqual(history);
});

test("sharedBytes() counts layers that stand on the same layers in another image", () => {
  const of = (id: string, layers: string[], bytes: number[]) =>
    image({
      id: id as ImageID,
      layerBytes: bytes,
      document: { architecture: "", os: "", rootfs: { type: "layers", diff_ids: layers as DiffID[] } },
    });
  const images = [of("1", ["a", "b"], [1, 2]), of("2", ["a", "c"], [1, 4]), of("3", ["b"], [2])];
  expect([...sharedBytes(images)]).toEqual([
    ["1" as ImageID, 1],
    ["2" as ImageID, 1],
    ["3" as ImageID, 0],
  ]);
});
