import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { busyboxImage, dockerArchive, type Member, tar } from "#fixtures";
import { EngineError } from "#lib/errors";
import { type Harness, makeHarness } from "./_harness.ts";
import type { CommitOptions } from "./image.ts";

let harness: Harness;
beforeEach(async () => {
  harness = await makeHarness();
});
afterEach(() => harness[Symbol.asyncDispose]());

const OPTIONS: CommitOptions = {
  layer: undefined,
  config: { Cmd: ["sh"] },
  command: ["sh", "-c", "x"],
  author: "",
  message: "",
  container: "c".repeat(64),
};

async function* layer(...members: Member[]) {
  yield tar(members);
}

async function base() {
  await harness.load(tar(dockerArchive([await busyboxImage()])));
  return await harness.images.get("busybox");
}

describe("commit()", () => {
  test("adds a layer and a step of history to its base", async () => {
    const parent = await base();
    const id = await harness.images.commit(parent.id, {
      ...OPTIONS,
      layer: layer({ name: "f", data: "12345" }),
      author: "me",
      message: "why",
      reference: "mine:1",
    });
    const image = await harness.images.get("mine:1");
    expect(image).toMatchObject({ id, parent: parent.id, sizeBytes: parent.sizeBytes + 5 });
    const { document } = image;
    expect(document.rootfs.diff_ids).toHaveLength(parent.document.rootfs.diff_ids.length + 1);
    expect(document).toMatchObject({ author: "me", config: { Cmd: ["sh"] }, architecture: "amd64", os: "linux" });
    expect(document.history?.at(-1)).toMatchObject({ created_by: "sh -c x", author: "me", comment: "why" });
    expect((await harness.images.history("mine:1")).map((step) => step.id).slice(0, 2)).toEqual([id, parent.id]);
    const events = (await harness.events()).filter(({ actorID }) => actorID === id);
    expect(events.map(({ action }) => action)).toEqual(["create", "tag"]);
  });

  test("of nothing has the layers of its base", async () => {
    const parent = await base();
    const id = await harness.images.commit(parent.id, OPTIONS);
    const { document } = await harness.images.get(id);
    expect(document.rootfs).toEqual(parent.document.rootfs);
    expect(document.history?.at(-1)).toMatchObject({ empty_layer: true });
    expect((await harness.images.history(id))[0]).toMatchObject({ sizeBytes: 0 });
  });

  test("over nothing is an image of one layer", async () => {
    const id = await harness.images.commit(undefined, { ...OPTIONS, layer: layer({ name: "f", data: "1" }) });
    const image = await harness.images.get(id);
    expect(image.document.rootfs.diff_ids).toHaveLength(1);
    expect(image).not.toHaveProperty("parent");
  });

  test("outlives its base", async () => {
    const parent = await base();
    const id = await harness.images.commit(parent.id, OPTIONS);
    await harness.images.remove("busybox", { force: false, prune: true });
    const image = await harness.images.get(id);
    expect(image).not.toHaveProperty("parent");
    expect((await harness.images.history(id)).map((step) => step.id)[1]).toBe("<missing>");
  });

  test("leaves nothing when its layer breaks off", async () => {
    const parent = await base();
    const blobs = await harness.content.list();
    const broken = (async function* () {
      yield tar([{ name: "f", data: "x" }]).subarray(0, 600);
      throw new EngineError("unavailable", "the container is gone");
    })();
    const failed = harness.images.commit(parent.id, { ...OPTIONS, layer: broken, reference: "mine" });
    await expect(failed).rejects.toThrow("the container is gone");
    expect(await harness.images.find("mine")).toBeUndefined();
    expect((await harness.content.list()).sort()).toEqual(blobs.sort());
  });

  test.each(["Upper", "sha256", `x@sha256:${"0".repeat(64)}`])("refuses the name %p", async (reference) => {
    const parent = await base();
    const failed = harness.images.commit(parent.id, { ...OPTIONS, reference });
    await expect(failed).rejects.toMatchObject({ kind: "invalid-parameter" });
  });
});
