import type { Mount } from "#api/engine";
import { invalid } from "../errors.ts";

type TmpfsSettings = NonNullable<Mount["TmpfsOptions"]>;

/** Each flag with the one it undoes; of a pair the last one given counts. */
const FLAG_PAIRS = [
  ["rw", "ro"],
  ["suid", "nosuid"],
  ["dev", "nodev"],
  ["exec", "noexec"],
  ["async", "sync"],
  ["nodirsync", "dirsync"],
  ["nomand", "mand"],
  ["atime", "noatime"],
  ["diratime", "nodiratime"],
  ["norelatime", "relatime"],
  ["nostrictatime", "strictatime"],
] as const;

const PROPAGATION_FLAGS = /^r?(bind|private|slave|shared|unbindable)$/;
const DATA_OPTIONS = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"];
const DEFAULTS = ["noexec", "nosuid", "nodev", "rprivate"];

/**
 * Options of `--tmpfs /path:OPTIONS`: the defaults that the user did not undo, then the user's own.
 *
 * @throws `invalid-parameter` `invalid tmpfs option "x"`
 */
export function tmpfsOptions(text: string): string[] {
  return merge(text.split(",").filter((option) => option !== ""));
}

/** Options of a mount of type tmpfs. @throws `invalid-parameter` */
export function mountTmpfsOptions(
  settings: TmpfsSettings,
  { readonly, wrong }: { readonly: boolean; wrong: (why: string) => Error },
): string[] {
  const options = readonly ? ["ro"] : [];
  if (settings.Mode) options.push(`mode=${settings.Mode.toString(8)}`);
  if (settings.SizeBytes !== undefined) {
    if (!Number.isSafeInteger(settings.SizeBytes) || settings.SizeBytes < 0) {
      throw wrong(`invalid size: ${settings.SizeBytes}`);
    }
    if (settings.SizeBytes > 0) options.push(`size=${settings.SizeBytes}`);
  }
  for (const option of settings.Options ?? []) {
    if (option.length !== 1 || !["exec", "noexec"].includes(option[0] ?? "")) {
      throw wrong(`invalid option: ${option[0] ?? ""}`);
    }
    options.push(option[0] ?? "");
  }
  return merge(options);
}

function merge(own: readonly string[]): string[] {
  for (const option of own) {
    if (!isKnown(option)) throw invalid(`invalid tmpfs option ${JSON.stringify(option)}`);
  }
  const all = [...DEFAULTS, ...own];
  return all.filter((option, index) => !all.slice(index + 1).some((later) => replaces(later, option)));
}

function isKnown(option: string): boolean {
  const [name = "", value] = option.split("=", 2);
  if (value !== undefined) return DATA_OPTIONS.includes(name) && value !== "";
  return FLAG_PAIRS.some((pair) => pair.some((flag) => flag === option)) || PROPAGATION_FLAGS.test(option);
}

function replaces(later: string, earlier: string): boolean {
  const [laterName = "", laterValue] = later.split("=", 2);
  if (laterValue !== undefined) return earlier.startsWith(`${laterName}=`);
  if (PROPAGATION_FLAGS.test(later)) return PROPAGATION_FLAGS.test(earlier);
  return FLAG_PAIRS.some((pair) => pair.some((flag) => flag === later) && pair.some((flag) => flag === earlier));
}
