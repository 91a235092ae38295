import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#lib/errors";
import { processDirectory } from "./cgroup.ts";
import { type Context, emit, settled } from "./context.ts";
import { isRestarting, notRunning, refused } from "./errors.ts";
import { isRunning } from "./state.ts";

/** What Docker runs when nothing is asked for. */
const DEFAULT_ARGUMENTS = "-ef";

/** The host's `ps`, narrowed down to the processes of a container. */
export async function top(
  context: Context,
  reference: string,
  psArguments: string,
): Promise<{ titles: string[]; processes: string[][] }> {
  const { id } = context.store.resolve(reference);
  await settled(context, id);
  const container = context.store.get(id);
  if (container.state.status === "restarting") throw isRestarting(id);
  const path = context.tasks.get(id)?.spec?.linux?.cgroupsPath;
  if (!isRunning(container.state) || path === undefined) throw notRunning(id);
  const argumentList = parseArguments(psArguments || DEFAULT_ARGUMENTS);
  const pids = await processesIn(processDirectory(context.host.cgroups, path));
  const table = parseTable(await runPs(context, argumentList, pids), pids);
  emit(context, "top", container);
  return table;
}

/** @throws `invalid-parameter` when the output would not show what the rows are told apart by */
function parseArguments(text: string): string[] {
  const argumentList = text.split(/\s+/).filter(Boolean);
  const hidesPid = argumentList.some((argument) => /(^|,)pid=/i.test(argument.replace(/^-?o/, "")));
  if (hidesPid) throw refused(`specifying "${text}" is not allowed`);
  return argumentList;
}

/** Of this container only; a `ps` that takes no `-q` beside these arguments lists the host's and is narrowed down here. */
async function runPs(context: Context, argumentList: readonly string[], pids: ReadonlySet<number>): Promise<string> {
  const narrowed = await context.capture(["ps", ...argumentList, `-q${[...pids].join(",")}`]);
  if (narrowed.exitCode === 0) return narrowed.stdout;
  const { exitCode, stdout, stderr } = await context.capture(["ps", ...argumentList]);
  if (exitCode === 0) return stdout;
  throw new EngineError("internal", `error running ps: ${stderr.trim() || `exit status ${exitCode}`}`);
}

function parseTable(output: string, pids: ReadonlySet<number>): { titles: string[]; processes: string[][] } {
  const [head = "", ...lines] = output.split("\n");
  const titles = head.split(/\s+/).filter(Boolean);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0) throw new EngineError("internal", "Couldn't find PID field in ps output");
  const processes = lines
    .map((line) => splitColumns(line, titles.length))
    .filter((row) => pids.has(Number(row[pidColumn])));
  return { titles, processes };
}

/** The last column takes the rest of the line, blanks included. */
function splitColumns(line: string, columns: number): string[] {
  const fields = line.trim().split(/\s+/);
  return [...fields.slice(0, columns - 1), fields.slice(columns - 1).join(" ")];
}

async function processesIn(directory: string): Promise<Set<number>> {
  const pids = new Set<number>();
  const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  for (const line of text.split("\n")) if (line !== "") pids.add(Number(line));
  const below = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of below) {
    if (!entry.isDirectory()) continue;
    for (const pid of await processesIn(join(directory, entry.name))) pids.add(pid);
  }
  return pids;
}
