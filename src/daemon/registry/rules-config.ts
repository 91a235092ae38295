import { EngineError, messageOf } from "#lib/errors";
import { compilePattern, type RegistrySettings, type RepositorySettings, type RetentionRule } from "#registry";
import type { SettingsReader } from "./settings-reader.ts";

/** What is kept, and for how long: keys for all repositories, and the same keys for those that fit a pattern. */
export function readRules(reader: SettingsReader): RegistrySettings & { readonly collectEveryMs?: number } {
  const repositories = reader.map("repositories", (members, pattern) => ({
    pattern: checked(members, pattern, pattern),
    settings: members.object(pattern, readRepository) ?? {},
  }));
  const collector = reader.object("gc", (gc) => ({
    ...given("graceMs", gc.durationMs("grace")),
    ...given("uploadExpiryMs", gc.durationMs("upload-expiry")),
    ...given("collectEveryMs", gc.durationMs("interval")),
  }));
  return {
    ...readRepository(reader),
    ...given("repositories", repositories && [...repositories.values()]),
    ...given("allowMissingReferences", reader.boolean("allow-missing-references")),
    ...given("redirectBlobs", reader.boolean("redirect-blobs")),
    ...collector,
  };
}

function readRepository(reader: SettingsReader): RepositorySettings {
  const immutableTags = reader.texts("immutable-tags");
  for (const pattern of immutableTags ?? []) checked(reader, "immutable-tags", pattern);
  return {
    ...given("readOnly", reader.boolean("read-only")),
    ...given("allowDelete", reader.boolean("delete")),
    ...given("immutableTags", immutableTags),
    ...given("quotaBytes", reader.bytes("quota")),
    ...given("retention", reader.objects("retention", readRetention)),
    ...given("untaggedAfterMs", reader.durationMs("untagged-after")),
  };
}

function readRetention(reader: SettingsReader): RetentionRule {
  const keepNewest = reader.whole("keep", { least: 0, most: 1_000_000 });
  const maxAgeMs = reader.durationMs("max-age");
  if (keepNewest === undefined && maxAgeMs === undefined)
    throw reader.refuse("keep", "is missing: keep or max-age says what stays");
  return {
    tags: checked(reader, "tags", reader.text("tags") ?? "**"),
    ...given("keepNewest", keepNewest),
    ...given("maxAgeMs", maxAgeMs),
  };
}

function checked(reader: SettingsReader, key: string, pattern: string): string {
  try {
    compilePattern(pattern);
    return pattern;
  } catch (error) {
    throw error instanceof EngineError ? reader.refuse(key, messageOf(error)) : error;
  }
}

/** A member that is only there when it has a value. */
function given<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: T });
}
