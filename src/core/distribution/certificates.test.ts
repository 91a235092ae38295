import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCertificates } from "./certificates.ts";

let folder = "";

function put(host: string, files: Record<string, string>): void {
  mkdirSync(join(folder, host), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, host, name), content);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-certs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("readCertificates()", () => {
  test("finds nothing for a host without a folder", async () => {
    expect(await readCertificates([folder, "/nonexistent"], "none.test:5000")).toEqual({
      authorities: [],
      client: undefined,
    });
  });

  test("takes authorities of all folders, and the first client certificate with its key", async () => {
    put("a.test:5000", {
      "ca.crt": "CA",
      "b.cert": "B",
      "b.key": "KEY B",
      "a.cert": "A",
      "a.key": "KEY A",
      README: "",
    });
    put("second/a.test:5000", { "more.crt": "MORE", "c.cert": "C", "c.key": "KEY C" });
    expect(await readCertificates([folder, join(folder, "second")], "a.test:5000")).toEqual({
      authorities: ["CA", "MORE"],
      client: { certificate: "A", key: "KEY A" },
    });
  });

  test.each(["..", ".", "a.test/..", ""])("looks into no other folder for host %p", async (host) => {
    put("inner", {});
    writeFileSync(join(folder, "ca.crt"), "OUTER");
    expect((await readCertificates([join(folder, "inner")], host)).authorities).toEqual([]);
  });

  test("refuses a certificate without its key, in Docker's words, and a key without its certificate", async () => {
    put("half.test", { "client.cert": "x" });
    await expect(readCertificates([folder], "half.test")).rejects.toThrow(
      `missing key client.key for client certificate client.cert in ${folder}/half.test. CA certificates must use the extension .crt`,
    );
    put("other.test", { "client.key": "x" });
    await expect(readCertificates([folder], "other.test")).rejects.toThrow(
      "missing client certificate client.cert for key client.key",
    );
  });

  test("refuses a file that is no certificate by its size", async () => {
    put("large.test", { "ca.crt": "x".repeat(1024 * 1024 + 1) });
    await expect(readCertificates([folder], "large.test")).rejects.toThrow("larger than 1048576 bytes");
  });
});
