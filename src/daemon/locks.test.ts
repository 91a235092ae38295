import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDataRoot } from "./data-root-lock.ts";
import { writePidFile } from "./pid-file.ts";

function folder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "tug-locks-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("lockDataRoot() keeps a second daemon out until the first is gone", () => {
  using root = folder();
  {
    using _lock = lockDataRoot(root.path);
    expect(() => lockDataRoot(root.path)).toThrow(
      `data root "${root.path}" is in use by another tugd: stop that one or give another --data-root`,
    );
  }
  using _again = lockDataRoot(root.path);
});

test("lockDataRoot() is free again after a daemon that was killed", async () => {
  using root = folder();
  const program = `
    const { lockDataRoot } = await import(${JSON.stringify(join(import.meta.dir, "data-root-lock.ts"))});
    globalThis.lock = lockDataRoot(${JSON.stringify(root.path)});
    process.stdout.write("locked");
    setInterval(() => undefined, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
  await child.stdout.getReader().read();
  expect(() => lockDataRoot(root.path)).toThrow("is in use by another tugd");
  child.kill("SIGKILL");
  await child.exited;
  using _lock = lockDataRoot(root.path);
});

test("writePidFile() writes this process and takes it back", () => {
  using root = folder();
  const path = join(root.path, "run", "tugd.pid");
  {
    using _file = writePidFile(path);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
  }
  expect(existsSync(path)).toBe(false);
});

test("writePidFile() refuses that of a daemon that runs, and takes over a stale one", () => {
  using root = folder();
  const path = join(root.path, "tugd.pid");
  // Another process of the same program: the test's own parent is none, so one is started.
  const other = Bun.spawn([process.execPath, "-e", "setInterval(() => undefined, 1000)"]);
  try {
    writeFileSync(path, `${other.pid}\n`);
    expect(() => writePidFile(path)).toThrow(`is that of a running tugd (pid ${other.pid})`);
  } finally {
    other.kill("SIGKILL");
  }
  writeFileSync(path, "1\n");
  using _file = writePidFile(path);
});
