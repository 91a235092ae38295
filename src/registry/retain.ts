import type { Digest } from "#api/oci";
import { allRepositories } from "./collect.ts";
import { nowMs, type Parts } from "./parts.ts";
import { compilePattern } from "./pattern.ts";
import type { RetentionReport } from "./registry.ts";

import type { RetentionRule } from "./settings.ts";

interface SetTag {
  readonly tag: string;
  readonly digest: Digest;
  readonly setMs: number;
}

/** Removes the tags that the rules of their repository do not keep, and manifests that nothing refers to then. */
export async function retain(parts: Parts, options: { dryRun?: boolean } = {}): Promise<RetentionReport> {
  const tags = [];
  for (const repository of allRepositories(parts)) {
    const { retention } = parts.rules.of(repository);
    if (retention === undefined) continue;
    const surplus = surplusTags(parts.manifests.tagHistory(repository), retention, nowMs(parts));
    if (!options.dryRun) for (const one of surplus) removeTagged(parts, repository, one);
    tags.push(...surplus.map(({ tag, digest }) => ({ repository, tag, digest })));
  }
  await parts.manifests.durable();
  return { tags };
}

function removeTagged(parts: Parts, repository: string, { tag, digest }: SetTag): void {
  parts.manifests.removeTag(repository, tag);
  if (!parts.manifests.isManifestUsed(repository, digest)) parts.manifests.removeManifest(repository, digest);
}

/** The tags, newest first, that no rule keeps. */
export function surplusTags(newestFirst: readonly SetTag[], rules: readonly RetentionRule[], nowMs: number): SetTag[] {
  const counted = rules.map((rule) => ({ ...rule, fits: compilePattern(rule.tags), seen: 0 }));
  return newestFirst.filter(({ tag, setMs }) => {
    const rule = counted.find(({ fits }) => fits(tag));
    if (rule === undefined) return false;
    rule.seen += 1;
    const { keepNewest, maxAgeMs } = rule;
    if (keepNewest === undefined && maxAgeMs === undefined) return false;
    return rule.seen > (keepNewest ?? 0) && nowMs - setMs >= (maxAgeMs ?? 0);
  });
}
