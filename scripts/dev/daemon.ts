import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.ts";
import { fail, output, ROOT, run } from "./shell.ts";

/** The private daemon of this checkout: its own roots, socket and bridge, beside whatever else runs here. */
export const PRIVATE = {
  socket: "/run/tug-dev/tug.sock",
  pidFile: "/run/tug-dev/tugd.pid",
  roots: ["/run/tug-dev", "/var/lib/tug-dev"],
  flags: [
    "--host=unix:///run/tug-dev/tug.sock",
    "--data-root=/var/lib/tug-dev",
    "--exec-root=/run/tug-dev",
    "--pidfile=/run/tug-dev/tugd.pid",
  ],
};

export async function daemon(args: string[]): Promise<void> {
  await build();
  requireHost();
  const child = Bun.spawn([join(ROOT, "dist/tugd"), ...PRIVATE.flags, ...args], {
    stdio: ["inherit", "inherit", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await child.exited;
}

/** Starts the private daemon in the background unless it answers already. */
export async function startPrivateDaemon(): Promise<void> {
  if (await answers()) return;
  mkdirSync("/run/tug-dev", { recursive: true });
  const log = Bun.file("/run/tug-dev/tugd.log");
  const child = Bun.spawn(["setsid", join(ROOT, "dist/tugd"), ...PRIVATE.flags], { stdio: ["ignore", log, log] });
  child.unref();
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await answers()) return;
    if (child.exitCode !== null) break;
    await Bun.sleep(50);
  }
  fail(`the daemon did not start:\n${await log.text()}`);
}

/** Ends the private daemon and takes its containers, network and data off this machine. */
export async function clean(): Promise<void> {
  requireHost();
  const pid = Number(output(["cat", PRIVATE.pidFile]));
  if (pid > 0) {
    process.kill(pid, "SIGTERM");
    for (let attempt = 0; attempt < 200 && existsSync(`/proc/${pid}`); attempt++) await Bun.sleep(50);
  }
  if (existsSync(join(ROOT, "dist/tugd"))) await run([join(ROOT, "dist/tugd"), "--cleanup", ...PRIVATE.flags]);
  for (const root of PRIVATE.roots) rmSync(root, { recursive: true, force: true });
}

async function answers(): Promise<boolean> {
  if (!existsSync(PRIVATE.socket)) return false;
  try {
    return (await fetch("http://tug/_ping", { unix: PRIVATE.socket })).ok;
  } catch {
    return false;
  }
}

/** Says in words what this machine lacks for a daemon, if anything. */
export function requireHost(): void {
  if (process.platform !== "linux") fail("tug runs on Linux");
  if (process.getuid?.() !== 0) fail("the daemon needs root: run this with sudo");
}
