import { join } from "node:path";
import type { ForeignRuntime } from "#executor";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { refused } from "./errors.ts";
import type { MonitorFolder } from "./layout.ts";

/** How the monitor drives a runtime with the standard command line; undefined with tug's own executor. The bundle is the task's folder. */
export function foreignRuntime(
  context: Context,
  { id, config, hostConfig }: Container,
  folder: MonitorFolder,
): ForeignRuntime | undefined {
  const name = hostConfig.Runtime ?? context.defaults.runtime;
  if (!context.defaults.runtimes.has(name)) throw refused(`unknown or invalid runtime name: ${name}`);
  const runtime = context.defaults.runtimes.get(name);
  if (!runtime) return undefined;
  const console = config.Tty ? folder.consoleSocket : "";
  const command = [
    runtime.path,
    "--root",
    join(context.layout.execRoot, "runtimes", name),
    "--log",
    folder.runtimeLog,
    "--log-format",
    "json",
    ...runtime.arguments,
  ];
  return {
    create: [
      ...command,
      "create",
      "--bundle",
      folder.path,
      "--pid-file",
      folder.pidFile,
      ...(console ? ["--console-socket", console] : []),
      id,
    ],
    start: [...command, "start", id],
    remove: [...command, "delete", "--force", id],
    pidFile: folder.pidFile,
    consoleSocket: console,
    logFile: folder.runtimeLog,
  };
}

/** Whether a container runs under a foreign runtime. */
export function isForeign(context: Context, { hostConfig }: Container): boolean {
  return context.defaults.runtimes.get(hostConfig.Runtime ?? context.defaults.runtime) !== undefined;
}
