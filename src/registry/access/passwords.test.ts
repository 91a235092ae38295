import { expect, test } from "bun:test";
import { TestClock } from "../_test-clock.ts";
import { AccountsFolder, PEER, verifyFakeHash } from "./_testing.ts";
import { Htpasswd } from "./htpasswd.ts";
import { Passwords, type VerifyPassword } from "./passwords.ts";

async function make(folder: AccountsFolder, verify: VerifyPassword = verifyFakeHash) {
  const clock = new TestClock();
  const accounts = await Htpasswd.open({ path: folder.htpasswd, clock, report: () => undefined });
  const compared: string[] = [];
  const passwords = new Passwords({
    accounts,
    clock,
    verify: (password, hash) => {
      compared.push(hash);
      return verify(password, hash);
    },
  });
  const check = (username: string, password: string, peer = PEER) => passwords.check({ username, password }, peer);
  return { check, clock, accounts, compared };
}

test("Passwords computes a right password once, for some minutes", async () => {
  using folder = new AccountsFolder({ alice: "secret" });
  const { check, clock, compared } = await make(folder);
  for (let i = 0; i < 5; i++) expect(await check("alice", "secret")).toBe(true);
  expect(compared).toHaveLength(1);
  clock.advance(300_000);
  expect(await check("alice", "secret")).toBe(true);
  expect(compared).toHaveLength(2);
});

test("Passwords forgets a right password as soon as the account has another", async () => {
  using folder = new AccountsFolder({ alice: "secret" });
  const { check, accounts } = await make(folder);
  expect(await check("alice", "secret")).toBe(true);
  folder.write({ alice: "changed" });
  await accounts.reload();
  expect(await check("alice", "secret")).toBe(false);
  expect(await check("alice", "changed")).toBe(true);
});

test("Passwords takes as long for an account that is not there", async () => {
  using folder = new AccountsFolder({ alice: "secret" });
  const { check, accounts, compared } = await make(folder);
  expect(await check("mallory", "secret")).toBe(false);
  expect(compared).toEqual([accounts.anyHash]);
});

test("Passwords looks at no more of a password than htpasswd does", async () => {
  using folder = new AccountsFolder({ alice: "secret" });
  const lengths: number[] = [];
  const { check } = await make(folder, async (password) => {
    lengths.push(password.byteLength);
    return false;
  });
  await check("alice", "x".repeat(500));
  expect(lengths).toEqual([72]);
});

test("Passwords slows down an address that guesses, whatever account it tries, and no other", async () => {
  using folder = new AccountsFolder({ alice: "secret", bob: "secret" });
  const { check, clock } = await make(folder);
  for (let i = 0; i < 10; i++) expect(await check(i % 2 ? "alice" : "bob", `guess ${i}`)).toBe(false);
  await expect(check("alice", "secret")).rejects.toMatchObject({
    code: "TOOMANYREQUESTS",
    status: 429,
    headers: { "Retry-After": "1" },
  });
  expect(await check("alice", "secret", { address: "192.0.2.8" })).toBe(true);
  clock.advance(1_000);
  expect(await check("alice", "guess 11")).toBe(false);
  await expect(check("alice", "secret")).resolves.toBe(true); // known to be right by now, which costs nothing
  await expect(check("bob", "secret")).rejects.toMatchObject({ headers: { "Retry-After": "2" } });
});

test("Passwords compares two at once, and refuses when too many wait", async () => {
  using folder = new AccountsFolder({ alice: "secret" });
  const gate = Promise.withResolvers<boolean>();
  let running = 0;
  let most = 0;
  const { check } = await make(folder, async () => {
    running += 1;
    most = Math.max(most, running);
    const result = await gate.promise;
    running -= 1;
    return result;
  });
  const clients = Array.from({ length: 300 }, (_, i) => check("alice", `p${i}`, { address: `198.51.100.${i}` }));
  const outcomes = Promise.allSettled(clients);
  gate.resolve(true);
  const refused = (await outcomes).filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(300 - 2 - 256);
  expect(most).toBe(2);
});
