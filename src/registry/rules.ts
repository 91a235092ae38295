import { RegistryError } from "./errors.ts";
import type { RegistrySettings, RepositorySettings } from "./settings.ts";

/** How many repositories' rules are remembered. They can be found again. */
const REMEMBERED = 4096;

/** The settings as questions that a request asks. */
export class Rules {
  readonly #settings: RegistrySettings;
  readonly #patterns: readonly { fits: (repository: string) => boolean; settings: RepositorySettings }[];
  readonly #found = new Map<string, RepositorySettings>();

  /** @throws TypeError for a pattern that is none */
  constructor(settings: RegistrySettings) {
    this.#settings = settings;
    this.#patterns = (settings.repositories ?? []).map((rule) => ({
      fits: compilePattern(rule.pattern),
      settings: rule.settings,
    }));
  }

  of(repository: string): RepositorySettings {
    let found = this.#found.get(repository);
    if (found === undefined) {
      const special = this.#patterns.find(({ fits }) => fits(repository));
      found = special === undefined ? this.#settings : { ...this.#settings, ...special.settings };
      if (this.#found.size >= REMEMBERED) this.#found.clear();
      this.#found.set(repository, found);
    }
    return found;
  }

  isImmutable(repository: string, tag: string): boolean {
    return this.of(repository).immutableTags?.some((pattern) => compilePattern(pattern)(tag)) ?? false;
  }

  /** How many bytes more the repository may take. */
  roomFor(repository: string, usedBytes: number): number {
    return Math.max(0, (this.of(repository).quotaBytes ?? Number.POSITIVE_INFINITY) - usedBytes);
  }

  /** @throws DENIED */
  assertWritable(repository: string): void {
    if (this.of(repository).readOnly) throw new RegistryError("DENIED", `repository "${repository}" is read-only`);
  }

  /** @throws UNSUPPORTED (405) */
  assertDeletable(repository: string): void {
    const { readOnly, allowDelete = true } = this.of(repository);
    if (readOnly || !allowDelete)
      throw new RegistryError("UNSUPPORTED", `deleting from repository "${repository}" is disabled`);
  }
}

/**
 * A pattern for whole names: `*` stands for any characters but `/`, `**` for any at all, `?` for one, `[a-z]` and `[!a-z]` for one of
 * a set.
 *
 * @throws TypeError for a set that does not end
 */
export function compilePattern(pattern: string): (name: string) => boolean {
  const terms: readonly string[] = pattern.match(/\*\*|\*|\?|\[!?[^\]]+\]|[\s\S]/gu) ?? [];
  if (terms.includes("[")) throw new TypeError(`pattern "${pattern}": "[" without an end`);
  const expression = new RegExp(`^${terms.map(expressionOf).join("")}$`, "u");
  return (name) => expression.test(name);
}

function expressionOf(term: string): string {
  if (term === "**") return ".*";
  if (term === "*") return "[^/]*";
  if (term === "?") return "[^/]";
  if (term.length > 1 && term.startsWith("[")) {
    const isNegated = term[1] === "!";
    const set = term.slice(isNegated ? 2 : 1, -1).replace(/[\\^[]/g, "\\$&");
    return `[${isNegated ? "^" : ""}${set}]`;
  }
  return term.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
