import { expect, test } from "bun:test";
import { digestOf } from "../_testing.ts";
import { HotManifests } from "./hot-manifests.ts";

const MEGABYTE = 1024 * 1024;
const digest = digestOf("x");
const manifest = (bytes: number) => ({ digest, mediaType: "application/x", bytes: new Uint8Array(bytes) });
const unread = () => {
  throw new Error("it was read again");
};

test("what was read is not read again until its repository changes", () => {
  const hot = new HotManifests();
  hot.manifest("a", digest, () => manifest(1));
  hot.tag("a", "one", () => digest);
  hot.tag("b", "one", () => digest);
  hot.forget("b");
  expect(hot.manifest("a", digest, unread)).toEqual(manifest(1));
  expect(hot.tag("a", "one", unread)).toBe(digest);
  hot.forget("a");
  expect(hot.manifest("a", digest, () => undefined)).toBeUndefined();
  expect(hot.tag("a", "one", () => undefined)).toBeUndefined();
});

test("what is not there is asked for each time", () => {
  const hot = new HotManifests();
  expect(hot.tag("a", "one", () => undefined)).toBeUndefined();
  expect(hot.tag("a", "one", () => digest)).toBe(digest);
});

test("no more is kept than the limit, and what is forgotten makes room", () => {
  const hot = new HotManifests();
  for (let at = 0; at < 100; at++) hot.manifest(`repository ${at}`, digest, () => manifest(MEGABYTE));
  const isKept = (at: number) => {
    let kept = true;
    hot.manifest(`repository ${at}`, digest, () => {
      kept = false;
      return undefined;
    });
    return kept;
  };
  const kept = Array.from({ length: 100 }, (_, at) => isKept(at)).filter(Boolean).length;
  expect(kept).toBeGreaterThan(60);
  expect(kept).toBeLessThan(64);
  for (let round = 0; round < 100; round++) {
    hot.manifest("again", digest, () => manifest(MEGABYTE));
    hot.forget("again");
  }
  expect(isKept(99)).toBe(true);
});
