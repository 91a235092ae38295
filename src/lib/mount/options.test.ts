import { expect, test } from "bun:test";
import { MOUNT_ATTR, MS } from "./flags.ts";
import { parseMountOptions, propagationFlags } from "./options.ts";

const nothing = {
  flags: 0,
  set: 0,
  clear: 0,
  recursiveAttributes: false,
  propagation: 0,
  bind: false,
  recursive: false,
  copyUp: false,
  idmap: false,
  data: [],
};

test("parseMountOptions() tells flags from the filesystem's own options", () => {
  const { flags, data } = parseMountOptions(["nosuid", "strictatime", "mode=755", "size=65536k", "defaults"]);
  expect(flags).toBe(MS.NOSUID | MS.STRICTATIME);
  expect(data).toEqual(["mode=755", "size=65536k"]);
});

test("parseMountOptions() lets the last of two opposites count", () => {
  expect(parseMountOptions(["ro", "noexec", "rw", "exec"])).toMatchObject({
    flags: 0,
    set: 0,
    clear: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOEXEC,
  });
  expect(parseMountOptions(["rw", "ro"])).toMatchObject({ set: MOUNT_ATTR.RDONLY, clear: 0 });
});

test("parseMountOptions() knows recursive attributes from words that begin with r", () => {
  expect(parseMountOptions(["rro"])).toMatchObject({ set: MOUNT_ATTR.RDONLY, recursiveAttributes: true });
  expect(parseMountOptions(["rnosuid"])).toMatchObject({ set: MOUNT_ATTR.NOSUID, recursiveAttributes: true });
  expect(parseMountOptions(["relatime"])).toMatchObject({ flags: MS.RELATIME, recursiveAttributes: false, data: [] });
  expect(parseMountOptions(["rw"])).toMatchObject({ recursiveAttributes: false, data: [] });
});

test("parseMountOptions() clears the whole field of access times before it sets one", () => {
  expect(parseMountOptions(["noatime", "strictatime"])).toMatchObject({
    set: MOUNT_ATTR.STRICTATIME,
    clear: MOUNT_ATTR.ATIME_MASK,
  });
});

test("parseMountOptions() reads binding, propagation and the runtime's own words", () => {
  expect(parseMountOptions(["rbind", "rslave", "tmpcopyup", "idmap"])).toEqual({
    ...nothing,
    bind: true,
    recursive: true,
    propagation: MS.SLAVE | MS.REC,
    copyUp: true,
    idmap: true,
  });
  expect(parseMountOptions([])).toEqual(nothing);
  expect(propagationFlags("shared")).toBe(MS.SHARED);
  expect(propagationFlags("")).toBe(0);
});
