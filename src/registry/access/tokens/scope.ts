import type { Action, Scope } from "../../registry.ts";

/** One entry of a token's `access` claim: what it is good for. */
export interface AccessEntry {
  /** `repository` or `registry`; others are kept out of our tokens. */
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const ACTIONS: readonly Action[] = ["pull", "push", "delete"];
/** A client that asks for more at once is none that we know. */
const MOST_SCOPES = 64;

/**
 * Reads what a client asks for: `repository:team/app:pull,push`, several of them apart by spaces or given one by one. The name may
 * hold colons. What has another form grants nothing and is passed over, as token services do.
 */
export function parseScopes(texts: readonly string[]): AccessEntry[] {
  const scopes = texts.flatMap((text) => text.split(" ")).filter((text) => text !== "");
  return scopes.slice(0, MOST_SCOPES).flatMap((text) => {
    const match = /^([a-z]+)(?:\([a-z]+\))?:(.+):([a-z,*]+)$/.exec(text);
    if (match === null) return [];
    const [, type = "", name = "", actions = ""] = match;
    return [{ type, name, actions: [...new Set(actions.split(",").filter(Boolean))] }];
  });
}

/** The parameter `scope` of a challenge. */
export function formatScopes(scopes: readonly Scope[]): string {
  return scopes
    .map(entryOf)
    .map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`)
    .join(" ");
}

export function entryOf(scope: Scope): AccessEntry {
  if ("registry" in scope) return { type: "registry", name: scope.registry, actions: ["*"] };
  return { type: "repository", name: scope.repository, actions: scope.actions };
}

/** Whether entries of a token allow this action, or the catalog. */
export function isGranted(entries: readonly AccessEntry[], wanted: AccessEntry): boolean {
  const granted = entries.filter(({ type, name }) => type === wanted.type && name === wanted.name);
  return wanted.actions.every((action) =>
    granted.some(({ actions }) => actions.includes(action) || actions.includes("*")),
  );
}

/** What of a wish may be had: the actions that `rights` has, and none that we do not know. */
export function narrow(wish: AccessEntry, rights: ReadonlySet<Action>): AccessEntry | undefined {
  const actions = ACTIONS.filter(
    (action) => rights.has(action) && (wish.actions.includes(action) || wish.actions.includes("*")),
  );
  return actions.length === 0 ? undefined : { type: wish.type, name: wish.name, actions };
}
