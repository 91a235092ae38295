import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Trash } from "./trash.ts";

function setup() {
  const folder = mkdtempSync(join(tmpdir(), "tug-trash-"));
  const deleted: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const timers: (() => void)[] = [];
  const trash = new Trash({
    deleteTrees: async (paths) => {
      deleted.push(paths);
      if (paths.some((path) => path.endsWith("stuck"))) throw new Error("stuck");
    },
    after: (_, callback) => {
      timers.push(callback);
      return () => void timers.splice(timers.indexOf(callback), 1);
    },
    report: (_, error) => errors.push(error),
  });
  const discard = (name: string, doomed = `${name}.doomed`) => {
    mkdirSync(join(folder, name), { recursive: true });
    return trash.discard({ path: join(folder, name), doomed: join(folder, doomed) });
  };
  return {
    folder,
    deleted,
    errors,
    timers,
    trash,
    discard,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

test("discard() puts out of sight at once and deletes together later", async () => {
  using lab = setup();
  await lab.discard("a");
  await lab.discard("b");
  expect(existsSync(join(lab.folder, "a"))).toBe(false);
  expect(lab.deleted).toEqual([]);
  expect(lab.timers).toHaveLength(1);
  lab.timers[0]?.();
  expect(lab.deleted).toEqual([["a.doomed", "b.doomed"].map((name) => join(lab.folder, name))]);
  expect(lab.timers).toEqual([]);
});

test("discard() waits no longer when there is much", async () => {
  using lab = setup();
  for (let count = 0; count < 64; count++) await lab.discard(`x${count}`);
  expect(lab.deleted.map((paths) => paths.length)).toEqual([64]);
});

test("discard() of what is not there does nothing", async () => {
  using lab = setup();
  await lab.trash.discard({ path: join(lab.folder, "no"), doomed: join(lab.folder, "doomed") });
  expect(lab.timers).toEqual([]);
});

test("disposing deletes what is left, and what resists is reported", async () => {
  using lab = setup();
  await lab.discard("a", "stuck");
  await lab.trash[Symbol.asyncDispose]();
  expect(lab.deleted).toHaveLength(1);
  expect(lab.errors).toEqual([new Error("stuck")]);
});
