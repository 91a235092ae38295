import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { EngineError } from "#lib/errors";

/** Writes this process's id. @throws `conflict` when the file names another daemon that runs */
export function writePidFile(path: string): Disposable {
  const other = runningDaemon(path);
  if (other)
    throw new EngineError(
      "conflict",
      `pid file "${path}" is that of a running tugd (pid ${other}): stop it, or give another --pidfile`,
    );
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, `${process.pid}\n`, { mode: 0o644 });
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** A pid may belong to anybody after a reboot: only a process of the same program counts. */
function runningDaemon(path: string): number | undefined {
  const pid = Number.parseInt(readText(path), 10);
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  const program = programOf(pid);
  return program !== "" && program === programOf(process.pid) ? pid : undefined;
}

/** Its path; the kernel says when an upgrade has put another file there. */
function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
  } catch {
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
