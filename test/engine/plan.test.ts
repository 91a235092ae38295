/** `tug plan`: what the kernel would be asked to do, without doing it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { TestDaemon } from "./_daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

test("tug plan prints every section of the plan and leaves nothing behind", async () => {
  const text = await daemon.ok("tug", ["plan", "-m", "64m", "-p", "8080", "busybox", "echo", "hi"]);
  for (const part of ["before", "clone", "beside", "inside", "after", "67108864", "pivot", "seccomp", '"echo"']) {
    expect(text).toContain(part);
  }
  expect(await daemon.ok("docker", ["ps", "-aq"])).toBe("");
  expect(readdirSync(`${daemon.dataRoot}/containers`)).toEqual([]);
  expect((await daemon.api<{ Containers: object }>("GET", "/networks/bridge")).body.Containers).toEqual({});
});

test("tug plan refuses what create refuses", async () => {
  const result = await daemon.cli("tug", ["plan", "--memory=1k", "busybox"]);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain("Minimum memory limit allowed is 6MB");
});
