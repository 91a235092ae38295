import type { ArgsRule } from "./command.ts";

/** What is wrong with this many arguments, in the words after the command's name; undefined if nothing. */
export function argsFault(rule: ArgsRule, count: number): string | undefined {
  switch (rule.kind) {
    case "none":
      return count === 0 ? undefined : "accepts no arguments";
    case "exactly":
      return count === rule.count ? undefined : `requires ${plural(rule.count)}`;
    case "at-least":
      return count >= rule.count ? undefined : `requires at least ${plural(rule.count)}`;
    case "at-most":
      return count <= rule.count ? undefined : `requires at most ${plural(rule.count)}`;
    case "between":
      if (count >= rule.least && count <= rule.most) return undefined;
      return `requires at least ${rule.least} and at most ${plural(rule.most)}`;
  }
}

function plural(count: number): string {
  return count === 1 ? "1 argument" : `${count} arguments`;
}
