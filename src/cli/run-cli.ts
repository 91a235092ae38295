/**
 * From the words of a command line to an exit code: global flags, the way down the tree of commands, the command's own
 * flags and arguments, and what to say when any of that, or the command, fails.
 */
import { EngineError, isKind, messageOf } from "#lib/errors";
import { argsFault } from "./args.ts";
import { type AnyCommand, type CommandGroup, findNode } from "./command.ts";
import { commandTree } from "./commands/tree.ts";
import { type Context, createContext } from "./context.ts";
import { describeFailure } from "./failure.ts";
import { type GlobalFlags, globalFlags } from "./flags/global.ts";
import { type ParsedFlags, parseFlags } from "./flags/parse.ts";
import type { Io } from "./io.ts";

export const PROGRAM = "tug";
/** The exit code for a command line that makes no sense, as with `run` for whatever the engine refuses. */
const EXIT_USAGE = 125;
/** 128 and SIGPIPE: what the shell sees of a program that was killed for writing to nobody. */
const EXIT_BROKEN_PIPE = 141;
const LOG_LEVELS = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];

/** Runs the command line and gives its exit code. Does not throw. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    if (isKind(error, "canceled") && error.data.brokenPipe === true) return EXIT_BROKEN_PIPE;
    const text = await describeFailure(error);
    try {
      if (text !== "") io.stderr.write(`${text}\n`);
    } catch {
      return EXIT_BROKEN_PIPE;
    }
    const code = error instanceof EngineError ? error.data.exitCode : undefined;
    return typeof code === "number" ? code : 1;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(globalFlags, argv, { stopAtFirstArgument: true });
  } catch (error) {
    return usageError(io, PROGRAM, "[OPTIONS] COMMAND [ARG...]", error);
  }
  if (parsed === "help") return showGroup(io, [PROGRAM], commandTree, io.stdout);
  const flags = parsed.values as GlobalFlags;
  if (flags.version) {
    io.stdout.write(
      `tug version ${io.release.version}${io.release.commit === "" ? "" : `, build ${io.release.commit}`}\n`,
    );
    return 0;
  }
  if (!LOG_LEVELS.includes(flags["log-level"])) {
    throw new EngineError("invalid-parameter", `Unable to parse logging level: ${flags["log-level"]}`);
  }
  if (flags.host.length > 0 && flags.context !== "") {
    throw new EngineError("invalid-parameter", "conflicting options: cannot specify both --host and --context");
  }
  return descend({ io, globals: parsed, path: [PROGRAM], group: commandTree }, parsed.args);
}

interface Position {
  readonly io: Io;
  readonly globals: ParsedFlags;
  /** The words so far. */
  readonly path: readonly string[];
  readonly group: CommandGroup;
}

async function descend(at: Position, words: readonly string[]): Promise<number> {
  const [word, ...rest] = words;
  if (word === undefined)
    return showGroup(at.io, at.path, at.group, at.path.length === 1 ? at.io.stdout : at.io.stderr);
  if (word === "--help" || word === "-h") return showGroup(at.io, at.path, at.group, at.io.stdout);
  if (word === "help" && at.path.length === 1) return helpFor(at, rest);
  const node = findNode(at.group.children, word);
  if (node === undefined) return unknownCommand(at, word);
  const path = [...at.path, word];
  if (node.kind === "group") return descend({ ...at, path, group: node }, rest);
  return runCommand(at, path, await node.load(), rest);
}

async function runCommand(
  at: Position,
  path: readonly string[],
  command: AnyCommand,
  words: readonly string[],
): Promise<number> {
  const { io } = at;
  const name = path.join(" ");
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(command.flags, words, { stopAtFirstArgument: command.stopAtFirstArgument === true });
  } catch (error) {
    return usageError(io, name, command.usage, error);
  }
  if (parsed === "help" || parsed.values.help === true) {
    const { commandHelp } = await import("./help.ts");
    io.stdout.write(commandHelp({ path, command, tree: commandTree.children, columns: io.terminalSize()?.columns }));
    return 0;
  }
  for (const warning of parsed.warnings) io.stderr.write(`${warning}\n`);
  const fault = argsFault(command.args, parsed.args.length);
  if (fault !== undefined) {
    const advice = command.args.kind === "at-least" ? seeHelp(name).replace(/^Run/, "See") : seeHelp(name);
    io.stderr.write(`${PROGRAM}: '${name}' ${fault}\n\nUsage:  ${name}${spaced(command.usage)}\n\n${advice}\n`);
    return 1;
  }
  const flags = at.globals.values as GlobalFlags;
  const context: Context = createContext({ io, flags, given: at.globals.given, commandPath: name });
  const { given, args, values } = parsed;
  const code = await command.run(context, { flags: values, args, given: (flag: string) => given.has(flag) });
  return code ?? 0;
}

async function helpFor(at: Position, words: readonly string[]): Promise<number> {
  let { group } = at;
  const path: string[] = [...at.path];
  for (const word of words) {
    const node = findNode(group.children, word);
    if (node === undefined) throw new EngineError("not-found", `unknown help topic: ${words.join(" ")}`);
    path.push(word);
    if (node.kind === "command") return runCommand(at, path, await node.load(), ["--help"]);
    group = node;
  }
  return showGroup(at.io, path, group, at.io.stdout);
}

async function showGroup(io: Io, path: readonly string[], group: CommandGroup, output: Io["stdout"]): Promise<number> {
  const { groupHelp } = await import("./help.ts");
  output.write(
    await groupHelp({ path, nodes: group.children, summary: group.summary, columns: io.terminalSize()?.columns }),
  );
  return 0;
}

async function unknownCommand(at: Position, word: string): Promise<number> {
  const { nearest } = await import("./suggest.ts");
  const name = at.path.join(" ");
  const names = at.group.children.flatMap((node) =>
    node.kind === "command" ? [node.name, ...node.aliases] : [node.name],
  );
  const meant = didYouMean(nearest(word, names).map((each) => `${name} ${each}`));
  const usage = at.path.length === 1 ? "" : `Usage:  ${name}\n\n`;
  at.io.stderr.write(`${PROGRAM}: unknown command: ${name} ${word}\n\n${meant}${usage}${seeHelp(name)}\n`);
  return 1;
}

function usageError(io: Io, name: string, usage: string, error: unknown): number {
  if (!isKind(error, "invalid-parameter")) throw error;
  const suggestions = (error.data.suggestions as readonly string[] | undefined) ?? [];
  const meant = didYouMean(suggestions);
  io.stderr.write(`${messageOf(error)}\n\n${meant}Usage:  ${name}${spaced(usage)}\n\n${seeHelp(name)}\n`);
  return EXIT_USAGE;
}

function didYouMean(suggestions: readonly string[]): string {
  if (suggestions.length === 0) return "";
  if (suggestions.length === 1) return `Did you mean '${suggestions[0]}'?\n\n`;
  return `Did you mean one of these?\n${suggestions.map((each) => `  ${each}\n`).join("")}\n`;
}

function spaced(usage: string): string {
  return usage === "" ? "" : ` ${usage}`;
}

function seeHelp(name: string): string {
  return `Run '${name} --help' for more information`;
}
