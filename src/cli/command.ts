/**
 * A command is data: what it is called, which arguments and flags it takes, and the function that does it. Help,
 * completion and suggestions for typos are all derived from that.
 */
import type { Context } from "./context.ts";
import type { FlagTable, FlagValues } from "./flags/flag.ts";

/** How many arguments a command takes. */
export type ArgsRule =
  | { readonly kind: "none" }
  | { readonly kind: "exactly"; readonly count: number }
  | { readonly kind: "at-least"; readonly count: number }
  | { readonly kind: "at-most"; readonly count: number }
  | { readonly kind: "between"; readonly least: number; readonly most: number };

/** What completion offers for the arguments of a command, or for the values of a flag. */
export type CompletionSource =
  | "containers"
  | "running-containers"
  | "stopped-containers"
  | "paused-containers"
  | "unpaused-containers"
  | "images"
  | "registries"
  | "networks"
  | "volumes"
  | "files"
  | "none"
  | readonly string[];

export interface Invocation<F extends FlagTable> {
  readonly flags: FlagValues<F>;
  readonly args: readonly string[];
  /** Whether the user gave this flag. */
  given(name: keyof F & string): boolean;
}

export interface Command<F extends FlagTable = FlagTable> {
  /** What follows the command's name in its usage line. */
  readonly usage: string;
  readonly summary: string;
  /** Further paragraphs of help. */
  readonly details?: string;
  readonly args: ArgsRule;
  readonly flags: F;
  /** Flags end at the first argument, since the rest is another program's command line. */
  readonly stopAtFirstArgument?: boolean;
  readonly completeArgs?: CompletionSource;
  readonly completeFlags?: { readonly [K in keyof F]?: CompletionSource };
  /** Works, and is not listed. */
  readonly hidden?: boolean;
  /** Does it and gives the exit code; nothing means 0. Throws `EngineError`, which ends in its message and code 1. */
  run(context: Context, invocation: Invocation<F>): Promise<number | undefined> | Promise<void>;
}

/** A command whose flags only it knows. */
export type AnyCommand = Command<FlagTable>;

/** Gives a command literal its types: those of its flags reach `run`. */
export function defineCommand<const F extends FlagTable>(command: Command<F>): AnyCommand {
  return command as unknown as AnyCommand;
}

/** A name under which a command or a group of them is found. Commands are loaded when they are needed. */
export type CommandNode = CommandLeaf | CommandGroup;

export interface CommandLeaf {
  readonly kind: "command";
  readonly name: string;
  readonly aliases: readonly string[];
  /** The same for all places in which a command stands. */
  load(): Promise<AnyCommand>;
}

export interface CommandGroup {
  readonly kind: "group";
  readonly name: string;
  readonly summary: string;
  readonly children: readonly CommandNode[];
}

/** The node of this name or alias. */
export function findNode(nodes: readonly CommandNode[], name: string): CommandNode | undefined {
  return nodes.find((node) => node.name === name || (node.kind === "command" && node.aliases.includes(name)));
}
