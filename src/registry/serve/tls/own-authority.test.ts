import { afterEach, beforeEach, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownCertificate } from "./own-authority.ts";

const NAMES = ["localhost", "registry.example", "127.0.0.1", "2001:db8::1"];
const DAY_MS = 24 * 3600 * 1000;
const START = new Date("2026-03-01T12:00:00Z");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-authority-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function make(names: readonly string[] = NAMES, now = START) {
  return ownCertificate({ folder, names, now: () => now });
}

test("ownCertificate() is signed by an authority of its own and good for every name", async () => {
  const { certificate, key, authority } = await make();
  const server = new X509Certificate(certificate);
  const ca = new X509Certificate(readFileSync(authority.path));
  expect(server.checkIssued(ca) && server.verify(ca.publicKey)).toBe(true);
  expect([ca.ca, server.ca]).toEqual([true, false]);
  expect(authority.fingerprint).toBe(ca.fingerprint256);
  expect(server.checkHost("registry.example")).toBe("registry.example");
  expect(server.checkIP("2001:db8::1")).toBe("2001:db8::1");
  expect(server.checkHost("other.example")).toBeUndefined();
  expect(key).toContain("PRIVATE KEY");
});

test("ownCertificate() lets nobody else read the keys", async () => {
  await make();
  expect(["ca-key.pem", "server-key.pem"].map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([
    0o600, 0o600,
  ]);
});

test("ownCertificate() stays the same while it is good", async () => {
  const first = await make();
  expect(await make(NAMES, new Date(START.getTime() + 300 * DAY_MS))).toEqual(first);
});

test.each([
  ["it is about to end", NAMES, 370],
  ["a name was added", [...NAMES, "new.example"], 0],
])("ownCertificate() is made anew when %s, by the same authority", async (_, names, days) => {
  const first = await make();
  const second = await make(names, new Date(START.getTime() + days * DAY_MS));
  expect(second.certificate).not.toBe(first.certificate);
  expect(second.authority).toEqual(first.authority);
});

test("ownCertificate() replaces a server's certificate whose key is another", async () => {
  const first = await make();
  writeFileSync(join(folder, "server-key.pem"), readFileSync(join(folder, "ca-key.pem")));
  expect((await make()).authority).toEqual(first.authority);
});

test("ownCertificate() never replaces an authority by itself", async () => {
  await make();
  await expect(make(NAMES, new Date(START.getTime() + 4000 * DAY_MS))).rejects.toThrow(
    "the authority's certificate has ended",
  );
  writeFileSync(join(folder, "ca.pem"), "nonsense");
  await expect(make()).rejects.toThrow(`read certificates in "${folder}": ca: `);
});
