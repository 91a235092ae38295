import { textWidth, wrapText } from "#lib/term";
import type { AnyCommand, CommandLeaf, CommandNode } from "./command.ts";
import type { Flag, FlagTable } from "./flags/flag.ts";
import { globalFlags } from "./flags/global.ts";

const DEFAULT_COLUMNS = 80;
/** The order in which people meet them; the other commands follow by name. */
const COMMON = ["run", "exec", "ps", "pull", "push", "images", "login", "logout", "search", "version", "info"];

export interface CommandHelpOptions {
  /** The words by which the user found the command. */
  readonly path: readonly string[];
  readonly command: AnyCommand;
  readonly tree: readonly CommandNode[];
  /** The terminal's width, if there is one. */
  readonly columns: number | undefined;
}

export function commandHelp({ path, command, tree, columns }: CommandHelpOptions): string {
  const sections = [`Usage:  ${[path.join(" "), command.usage].filter(Boolean).join(" ")}`, command.summary];
  if (command.details !== undefined) sections.push(command.details);
  const places = placesOf(tree, path);
  if (places.length > 1) sections.push(`Aliases:\n  ${places.join(", ")}`);
  const flags = flagUsages(command.flags, columns ?? DEFAULT_COLUMNS);
  if (flags !== "") sections.push(`Options:\n${flags}`);
  return `${sections.join("\n\n").trimEnd()}\n`;
}

export interface GroupHelpOptions {
  readonly path: readonly string[];
  readonly nodes: readonly CommandNode[];
  /** Of the group; the program as a whole has its own. */
  readonly summary: string;
  readonly columns: number | undefined;
}

export async function groupHelp({ path, nodes, summary, columns }: GroupHelpOptions): Promise<string> {
  const name = path.join(" ");
  const rows = await Promise.all(nodes.map(summaryRow));
  const shown = rows.filter((row) => row.summary !== undefined);
  const width = Math.max(11, ...shown.map((row) => row.name.length + 1));
  const section = (title: string, members: readonly Row[]) =>
    `${title}:\n${members.map((row) => `  ${row.name.padEnd(width)} ${row.summary}\n`).join("")}`;
  if (path.length > 1) {
    const head = `Usage:  ${name} COMMAND\n\n${summary}\n\n`;
    return `${head}${section("Commands", shown)}\nRun '${name} COMMAND --help' for more information on a command.\n`;
  }
  const common = COMMON.flatMap((each) => shown.filter((row) => row.name === each));
  const groups = shown.filter((row) => row.isGroup);
  const others = shown.filter((row) => !row.isGroup && !common.includes(row));
  return [
    `Usage:  ${name} [OPTIONS] COMMAND\n`,
    `${summary}\n`,
    section("Common Commands", common),
    section("Management Commands", groups),
    section("Commands", others),
    `Global Options:\n${flagUsages(globalFlags, columns ?? DEFAULT_COLUMNS)}\n`,
    `Run '${name} COMMAND --help' for more information on a command.\n`,
  ].join("\n");
}

interface Row {
  readonly name: string;
  readonly isGroup: boolean;
  readonly summary: string | undefined;
}

async function summaryRow(node: CommandNode): Promise<Row> {
  if (node.kind === "group") return { name: node.name, isGroup: true, summary: node.summary };
  const command = await node.load();
  return { name: node.name, isGroup: false, summary: command.hidden === true ? undefined : command.summary };
}

/** All the ways to write a command: those in groups with their aliases first, then the short ones. */
function placesOf(tree: readonly CommandNode[], path: readonly string[]): string[] {
  const [program = "", ...words] = path;
  const leaf = leafAt(tree, words);
  if (leaf === undefined) return [];
  const places: string[] = [];
  const visit = (nodes: readonly CommandNode[], prefix: string) => {
    for (const node of nodes) if (node.kind === "group") visit(node.children, `${prefix} ${node.name}`);
    for (const node of nodes) {
      if (node.kind === "command" && node.load === leaf.load) {
        places.push(...[node.name, ...node.aliases].map((name) => `${prefix} ${name}`));
      }
    }
  };
  visit(tree, program);
  return places;
}

function leafAt(tree: readonly CommandNode[], words: readonly string[]): CommandLeaf | undefined {
  let nodes = tree;
  for (const word of words) {
    const node = nodes.find((each) => each.name === word || (each.kind === "command" && each.aliases.includes(word)));
    if (node === undefined) return undefined;
    if (node.kind === "command") return node;
    nodes = node.children;
  }
  return undefined;
}

/** The table of options, wrapped to the terminal. */
export function flagUsages(flags: FlagTable, columns: number): string {
  const rows = Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true && flag.deprecated === undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => ({ head: flagHead(name, flag), text: flagText(flag) }));
  const width = Math.max(0, ...rows.map((row) => textWidth(row.head)));
  return rows
    .map(({ head, text }) => {
      const wrapped = wrapText(text, { indent: width + 3, width: columns - 1 });
      return `${head}${" ".repeat(width - textWidth(head) + 3)}${wrapped}\n`;
    })
    .join("");
}

function flagHead(name: string, flag: Flag<unknown>): string {
  const names = flag.short === undefined ? `      --${name}` : `  -${flag.short}, --${name}`;
  return flag.type === "" ? names : `${names} ${flag.type}`;
}

function flagText(flag: Flag<unknown>): string {
  return flag.shownDefault === "" ? flag.help : `${flag.help} (default ${flag.shownDefault})`;
}
