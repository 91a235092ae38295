import { expect, test } from "bun:test";
import { EngineError } from "#lib/errors";
import { FakeEngine, IMAGE } from "./_fakes.ts";

const PLAIN = { pause: true, author: "", comment: "", changes: [] };

test("commit() freezes a running container and lets it run on", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const image = await engine.containers.commit("web", { ...PLAIN, reference: "mine", comment: "c" });
  expect(image).toBe(IMAGE.id);
  expect(engine.actions.slice(-3)).toEqual(["pause", "commit", "unpause"]);
  expect(engine.events.at(-2)?.attributes).toMatchObject({ comment: "c", imageID: IMAGE.id, imageRef: "mine:latest" });
  expect(engine.status("web")).toBe("running");
});

test("commit() lets a container run on that it could not make an image of", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await expect(engine.containers.commit("web", { ...PLAIN, changes: ["RUN x"] })).rejects.toThrow(
    "RUN is not a valid change command",
  );
  expect(engine.actions.slice(-2)).toEqual(["pause", "unpause"]);
  engine.commitError = new EngineError("unavailable", "no space left on device");
  await expect(engine.containers.commit("web", PLAIN)).rejects.toThrow("no space left");
  expect(engine.actions.slice(-2)).toEqual(["pause", "unpause"]);
  expect(engine.status("web")).toBe("running");
});

test("commit() leaves a container alone that is paused, or shall not be", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await engine.containers.commit("web", { ...PLAIN, pause: false });
  await engine.containers.pause("web");
  await engine.containers.commit("web", PLAIN);
  expect(engine.actions.slice(-3)).toEqual(["commit", "pause", "commit"]);
  expect(engine.status("web")).toBe("paused");
});

test("commit() refuses a bad name before it does anything", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const refused = engine.containers.commit("web", { ...PLAIN, reference: "Upper" });
  await expect(refused).rejects.toMatchObject({ kind: "invalid-parameter" });
  expect(engine.actions).not.toContain("pause");
});

test("commit() takes the container's config for what is not said, and of it what images have", async () => {
  await using engine = new FakeEngine();
  const config = { Env: ["A=1"], Hostname: "h", Tty: true, ExposedPorts: { "80/tcp": {} }, Labels: { mine: "1" } };
  await engine.create("web", { config });
  await engine.containers.commit("web", PLAIN);
  expect(engine.commits[0]?.config).toEqual({
    User: "",
    Env: ["A=1", "PATH=/bin"],
    Cmd: ["sh"],
    WorkingDir: "",
    ExposedPorts: { "80/tcp": {} },
    Labels: { from: "image", mine: "1" },
  });
  await engine.containers.commit("web", { ...PLAIN, config: { Cmd: ["x"], Env: ["A=2"] }, changes: ["ENV B=3"] });
  expect(engine.commits[1]?.config).toMatchObject({ Cmd: ["x"], Env: ["A=2", "B=3", "PATH=/bin"] });
  await engine.containers.commit("web", { ...PLAIN, changes: ['ENTRYPOINT ["e"]'] });
  expect(engine.commits[2]?.config).toMatchObject({ Entrypoint: ["e"] });
  expect(engine.commits[2]?.config).not.toHaveProperty("Cmd");
});
