import { RegistryError } from "./errors.ts";
import { compilePattern } from "./pattern.ts";
import type { RegistrySettings, RepositorySettings } from "./settings.ts";

/** How many repositories' rules are remembered. They can be found again. */
const REMEMBERED = 4096;

interface CompiledSettings extends RepositorySettings {
  isImmutable(tag: string): boolean;
}

/** The settings as questions that a request asks. */
export class Rules {
  readonly #general: CompiledSettings;
  readonly #special: readonly { readonly fits: (repository: string) => boolean; readonly settings: CompiledSettings }[];
  readonly #remembered = new Map<string, CompiledSettings>();

  /** @throws `invalid-parameter` for a pattern that has no meaning */
  constructor(settings: RegistrySettings) {
    this.#general = compile(settings);
    this.#special = (settings.repositories ?? []).map((rule) => ({
      fits: compilePattern(rule.pattern),
      settings: compile({ ...settings, ...rule.settings }),
    }));
  }

  of(repository: string): CompiledSettings {
    let found = this.#remembered.get(repository);
    if (found === undefined) {
      found = this.#special.find(({ fits }) => fits(repository))?.settings ?? this.#general;
      if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
      this.#remembered.set(repository, found);
    }
    return found;
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

function compile(settings: RepositorySettings): CompiledSettings {
  const immutable = (settings.immutableTags ?? []).map(compilePattern);
  for (const { tags } of settings.retention ?? []) compilePattern(tags);
  return { ...settings, isImmutable: (tag) => immutable.some((fits) => fits(tag)) };
}
