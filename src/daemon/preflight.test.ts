import { expect, test } from "bun:test";
import type { HostReader } from "#core/runtime";
import { preflight } from "./preflight.ts";

const MOUNTINFO = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
const reader: HostReader = {
  readText: (path) => (path === "/proc/self/mountinfo" ? MOUNTINFO : undefined),
  list: () => [],
  stat: () => undefined,
  isLink: () => false,
};
const self = { uid: 0, machine: "x86_64", kernelRelease: "6.12.1-generic" };

test("preflight() takes root on a kernel that is new enough", () => {
  expect(preflight(reader, self)).toMatchObject({ kernel: { major: 6, minor: 12 }, cgroups: { mode: "v2" } });
  expect(preflight(reader, { ...self, kernelRelease: "5.12.0" }).kernel).toEqual({ major: 5, minor: 12 });
});

test.each([
  [{ uid: 1000 }, "tugd has to be started as root: try sudo"],
  [{ kernelRelease: "5.10.0-30-amd64" }, "Linux 5.10.0-30-amd64 is too old: 5.12 or newer is needed"],
  [{ kernelRelease: "4.19.0" }, "Linux 4.19.0 is too old: 5.12 or newer is needed"],
  [{ machine: "riscv64" }, 'architecture "riscv64" is not supported: x86_64 and aarch64 are'],
])("preflight() refuses %o", (change, message) => {
  expect(() => preflight(reader, { ...self, ...change })).toThrow(message);
});

test("preflight() refuses a machine without cgroups", () => {
  expect(() => preflight({ ...reader, readText: () => "" }, self)).toThrow("no cgroup filesystem is mounted");
});
