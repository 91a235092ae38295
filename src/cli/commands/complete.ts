import { containers, type EngineClient, images, networks, volumes } from "#client";
import { EngineError } from "#lib/errors";
import { type AnyCommand, type CommandNode, type CompletionSource, defineCommand, findNode } from "../command.ts";
import { type Context, createContext } from "../context.ts";
import { knownServers } from "../credentials/stores.ts";
import type { FlagTable } from "../flags/flag.ts";
import { type GlobalFlags, globalFlags } from "../flags/global.ts";
import { parseFlags } from "../flags/parse.ts";
import { commandTree } from "./tree.ts";

/**
 * What shells call for completion: after `--` the words typed so far, the last of them perhaps begun. Prints a candidate a line,
 * with its description after a tab; the last line is `:` and a directive: `files` asks the shell for file names.
 */
export const complete = defineCommand({
  usage: "-- [WORD...]",
  summary: "Print completions for the words of a command line",
  args: { kind: "at-least", count: 0 },
  flags: {},
  stopAtFirstArgument: true,
  hidden: true,
  async run(context, { args }) {
    const words = args.slice(0, -1);
    const begun = args.at(-1) ?? "";
    const { candidates, files } = await candidatesFor(context, words, begun);
    const lines = candidates.filter(({ text }) => text.startsWith(begun)).map(({ text, hint }) => `${text}\t${hint}\n`);
    context.io.stdout.write(`${lines.join("")}:${files ? "files" : "words"}\n`);
  },
});

interface Candidate {
  readonly text: string;
  readonly hint: string;
}

interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly files: boolean;
}

/** Where names come from: the engine, and the user's configuration. */
interface Sources {
  readonly engine: () => Promise<EngineClient>;
  readonly registries: () => Promise<readonly string[]>;
}

/** Values of flags that mean the same wherever they are, unless a command says otherwise. */
const FLAG_VALUES: Readonly<Record<string, CompletionSource>> = {
  context: "none",
  filter: "none",
  format: ["json", "table"],
  "log-level": ["debug", "info", "warn", "error", "fatal"],
};

async function candidatesFor(context: Context, words: readonly string[], begun: string): Promise<Candidates> {
  const globals = words.slice(0, skipFlags(globalFlags, words));
  const sources: Sources = {
    engine: () => engineOf(context, globals),
    registries: () => knownServers(context),
  };
  const pending = globals.length === words.length ? pendingFlag(globalFlags, words) : undefined;
  if (pending !== undefined) return fromSource(FLAG_VALUES[pending] ?? "files", sources);
  let nodes: readonly CommandNode[] = commandTree.children;
  let rest = words.slice(globals.length);
  if (rest[0] === "help") rest = rest.slice(1);
  while (rest[0] !== undefined) {
    const node = findNode(nodes, rest[0]);
    if (node === undefined) return { candidates: [], files: false };
    rest = rest.slice(1);
    if (node.kind === "command") return commandCandidates(await node.load(), rest, begun, sources);
    nodes = node.children;
  }
  if (begun.startsWith("-")) return { candidates: flagCandidates(globalFlags), files: false };
  return { candidates: await nodeCandidates(nodes), files: false };
}

/** The engine that the command line which is being typed would talk to. */
function engineOf({ io, commandPath }: Context, globals: readonly string[]): Promise<EngineClient> {
  const parsed = parseFlags(globalFlags, globals, { stopAtFirstArgument: true });
  if (parsed === "help") throw new EngineError("invalid-parameter", "help needs no engine");
  return createContext({ io, flags: parsed.values as GlobalFlags, given: parsed.given, commandPath }).engine();
}

async function nodeCandidates(nodes: readonly CommandNode[]): Promise<Candidate[]> {
  const all = await Promise.all(
    nodes.map(async (node) => {
      if (node.kind === "group") return [{ text: node.name, hint: node.summary }];
      const command = await node.load();
      return command.hidden === true ? [] : [{ text: node.name, hint: command.summary }];
    }),
  );
  return all.flat();
}

async function commandCandidates(
  command: AnyCommand,
  words: readonly string[],
  begun: string,
  sources: Sources,
): Promise<Candidates> {
  const hasArgument = skipFlags(command.flags, words) < words.length;
  const assigned = /^(--[^=]+)=/.exec(begun);
  const pending = pendingFlag(command.flags, assigned === null ? words : [assigned[1]!]);
  if (pending !== undefined && !(hasArgument && command.stopAtFirstArgument === true)) {
    const values = await fromSource(command.completeFlags?.[pending] ?? FLAG_VALUES[pending] ?? "files", sources);
    const prefix = assigned?.[0] ?? "";
    return { ...values, candidates: values.candidates.map(({ text, hint }) => ({ text: prefix + text, hint })) };
  }
  if (begun.startsWith("-") && !(hasArgument && command.stopAtFirstArgument === true)) {
    return { candidates: flagCandidates(command.flags), files: false };
  }
  if (hasArgument && command.stopAtFirstArgument === true) return { candidates: [], files: true };
  return fromSource(command.completeArgs ?? "none", sources);
}

/** How many words at the beginning are flags with their values. */
function skipFlags(flags: FlagTable, words: readonly string[]): number {
  let at = 0;
  while (at < words.length && words[at]!.startsWith("-")) {
    const takesNext = pendingFlag(flags, words.slice(0, at + 1)) !== undefined;
    at += takesNext ? 2 : 1;
  }
  return Math.min(at, words.length);
}

/** The flag whose value comes next, if the words end in one without its value. */
function pendingFlag(flags: FlagTable, words: readonly string[]): string | undefined {
  const last = words.at(-1) ?? "";
  if (last.includes("=") || !last.startsWith("-")) return undefined;
  const found = Object.entries(flags).find(([name, { short }]) =>
    last.startsWith("--") ? last === `--${name}` : short !== undefined && last.at(-1) === short,
  );
  return found === undefined || found[1].implied !== undefined ? undefined : found[0];
}

function flagCandidates(flags: FlagTable): Candidate[] {
  return Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true && flag.deprecated === undefined)
    .map(([name, flag]) => ({ text: `--${name}`, hint: flag.help.split("\n")[0]! }));
}

async function fromSource(source: CompletionSource, sources: Sources): Promise<Candidates> {
  if (source === "none") return { candidates: [], files: false };
  if (source === "files") return { candidates: [], files: true };
  if (typeof source !== "string") return { candidates: source.map((text) => ({ text, hint: "" })), files: false };
  try {
    if (source === "registries") {
      return { candidates: (await sources.registries()).map((text) => ({ text, hint: "" })), files: false };
    }
    return { candidates: await namesOf(source, await sources.engine()), files: false };
  } catch (error) {
    // A shell that completes must not show our troubles: there are just no names to offer.
    if (error instanceof EngineError) return { candidates: [], files: false };
    throw error;
  }
}

type NameSource = Exclude<Extract<CompletionSource, string>, "none" | "files" | "registries">;

const STATUS: Readonly<Partial<Record<NameSource, readonly string[]>>> = {
  "running-containers": ["running", "paused", "restarting"],
  "stopped-containers": ["created", "exited"],
  "paused-containers": ["paused"],
  "unpaused-containers": ["running"],
};

async function namesOf(source: NameSource, engine: EngineClient): Promise<Candidate[]> {
  switch (source) {
    case "images": {
      const list = await images.list(engine);
      return list.flatMap(({ RepoTags: tags }) => (tags ?? []).map((text) => ({ text, hint: "" })));
    }
    case "networks":
      return (await networks.list(engine)).map(({ Name: text = "" }) => ({ text, hint: "" }));
    case "volumes":
      return (await volumes.list(engine)).map(({ Name: text }) => ({ text, hint: "" }));
    default: {
      const status = STATUS[source];
      const filters = status === undefined ? {} : { filters: new Map([["status", status]]) };
      const list = await containers.list(engine, { all: true, ...filters });
      return list.map(({ Names: names, Image: hint = "" }) => ({ text: (names?.[0] ?? "").slice(1), hint }));
    }
  }
}
