import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** A pid may belong to anybody after a reboot: only a process that is called as this one counts. */
function runningDaemon(path: string): number | undefined {
  const pid = Number.parseInt(readText(path), 10);
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  const name = readText(`/proc/${pid}/comm`);
  return name !== "" && name === readText("/proc/self/comm") ? pid : undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
