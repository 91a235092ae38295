import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { TestClock } from "../_test-clock.ts";
import { AccountsFolder, fakeHash } from "./_testing.ts";
import { Htpasswd, parseHtpasswd } from "./htpasswd.ts";

const HASH = fakeHash("secret");

test("parseHtpasswd() passes over comments and empty lines", () => {
  expect([...parseHtpasswd(`# people\n\nalice:${HASH}\r\n  \nbob smith:${HASH}\n`, "users")]).toEqual([
    ["alice", HASH],
    ["bob smith", HASH],
  ]);
});

test.each([
  ["alice", 'line 1 is not "name:hash"'],
  [`:${HASH}`, 'line 1 is not "name:hash"'],
  ["alice:secret", 'line 1: the password of "alice" is not hashed with bcrypt'],
  ["alice:$apr1$x$yyyyyyyyyyyyyyyyyyyyyy", "is not hashed with bcrypt: use htpasswd -B"],
  [`alice:${HASH}\nalice:${HASH}`, 'line 2: "alice" has a line before'],
])("parseHtpasswd() refuses %j", (text, message) => {
  expect(() => parseHtpasswd(text, "users")).toThrow(message);
});

function open(folder: AccountsFolder, clock = new TestClock(), reported: unknown[] = []) {
  return Htpasswd.open({ path: folder.htpasswd, clock, report: (error) => void reported.push(error) });
}

test("Htpasswd sees a changed file after a moment, and at once when it is told", async () => {
  using folder = new AccountsFolder({ alice: "a" });
  const clock = new TestClock();
  const accounts = await open(folder, clock);
  folder.write({ alice: "a", bob: "b" });
  expect(await accounts.find("bob")).toBeUndefined();
  clock.advance(2_000);
  expect(await accounts.find("bob")).toBe(fakeHash("b"));
  folder.write({ carol: "c" });
  await accounts.reload();
  expect(await accounts.find("carol")).toBe(fakeHash("c"));
});

test("Htpasswd keeps its accounts when the file has become unreadable, and says so", async () => {
  using folder = new AccountsFolder({ alice: "a" });
  const clock = new TestClock();
  const reported: unknown[] = [];
  const accounts = await open(folder, clock, reported);
  writeFileSync(folder.htpasswd, "nonsense");
  clock.advance(2_000);
  expect(await accounts.find("alice")).toBe(fakeHash("a"));
  rmSync(folder.htpasswd);
  clock.advance(2_000);
  expect(await accounts.find("alice")).toBe(fakeHash("a"));
  expect(reported.map(String)).toEqual([
    expect.stringContaining('line 1 is not "name:hash"'),
    expect.stringContaining("read password file"),
  ]);
});

test("Htpasswd.open() says that there is no file", async () => {
  using folder = new AccountsFolder({});
  rmSync(folder.htpasswd);
  await expect(open(folder)).rejects.toThrow(`read password file "${folder.htpasswd}"`);
});

test("Htpasswd.fingerprint() changes with the password", async () => {
  using folder = new AccountsFolder({ alice: "a" });
  const accounts = await open(folder);
  const before = await accounts.fingerprint("alice");
  folder.write({ alice: "other" });
  await accounts.reload();
  const after = await accounts.fingerprint("alice");
  expect(before).toBeString();
  expect(after).toBeString();
  expect(after).not.toBe(before);
  expect(await accounts.fingerprint("nobody")).toBeUndefined();
});
