import { compilePattern } from "../pattern.ts";
import type { Action, Principal } from "../registry.ts";

/** What somebody may do who did not say who they are: nothing, read, read and write, or all of it, deletion included. */
export const ANONYMOUS_RIGHTS = ["none", "pull", "push", "all"] as const;
export type AnonymousRights = (typeof ANONYMOUS_RIGHTS)[number];

/** Grants; there is no rule that takes away. */
export interface AccessRule {
  /** Patterns of `compilePattern`. `${user}` in one stands for the name of whoever asks. */
  readonly repositories: readonly string[];
  /** Names; `*` is everybody with an account. */
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  /** Also for those who did not say who they are. */
  readonly anonymous?: boolean;
  readonly actions: readonly Action[];
}

export interface RulesOptions {
  readonly anonymous: AnonymousRights;
  /** Undefined: everybody with an account may do everything. */
  readonly rules?: readonly AccessRule[];
  /** The names in each group. */
  readonly groups?: ReadonlyMap<string, readonly string[]>;
}

/** Which actions somebody may do to a repository. @throws `invalid-parameter` for a pattern that is none */
export type Rights = (principal: Principal, repository: string) => ReadonlySet<Action>;

const GRANTED_TO_ANYBODY: Readonly<Record<AnonymousRights, readonly Action[]>> = {
  none: [],
  pull: ["pull"],
  push: ["pull", "push"],
  all: ["pull", "push", "delete"],
};
const EVERYTHING: ReadonlySet<Action> = new Set(GRANTED_TO_ANYBODY.all);

export function compileRules({ anonymous, rules, groups = new Map() }: RulesOptions): Rights {
  const open: ReadonlySet<Action> = new Set(GRANTED_TO_ANYBODY[anonymous]);
  if (rules === undefined) return ({ name }) => (name === undefined ? open : EVERYTHING);
  const compiled = rules.map((rule) => ({
    actions: rule.actions,
    concerns: compileWho(rule, groups),
    covers: compileRepositories(rule.repositories),
  }));
  return (principal, repository) => {
    const granted = new Set(open);
    for (const { actions, concerns, covers } of compiled) {
      if (!concerns(principal) || !covers(principal, repository)) continue;
      for (const action of actions) granted.add(action);
    }
    return granted;
  };
}

function compileWho(rule: AccessRule, groups: ReadonlyMap<string, readonly string[]>) {
  const members = (rule.groups ?? []).flatMap((group) => groups.get(group) ?? []);
  const users = new Set([...(rule.users ?? []), ...members]);
  const all = users.delete("*");
  return ({ name }: Principal): boolean => (name === undefined ? rule.anonymous === true : all || users.has(name));
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is what users write
const USER = "${user}";
/** A name that can be part of a repository's, and holds nothing that means something in a pattern. */
const PLAIN_NAME = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;

type Covers = (principal: Principal, repository: string) => boolean;

function compileRepositories(patterns: readonly string[]): Covers {
  const compiled = patterns.map((pattern) => (pattern.includes(USER) ? ownRepositories(pattern) : anybodys(pattern)));
  return (principal, repository) => compiled.some((covers) => covers(principal, repository));
}

function anybodys(pattern: string): Covers {
  const fits = compilePattern(pattern);
  return (_, repository) => fits(repository);
}

function ownRepositories(pattern: string): Covers {
  compilePattern(pattern.replaceAll(USER, "user"));
  return ({ name }, repository) =>
    name !== undefined && PLAIN_NAME.test(name) && compilePattern(pattern.replaceAll(USER, name))(repository);
}
