import type { HostConfig } from "#api/engine";
import { invalid } from "../errors.ts";
import { CAPABILITIES, capabilityNames } from "../linux/capabilities.ts";
import type { HostFacts } from "../types.ts";
import { DEFAULT_CAPABILITIES } from "./defaults.ts";

type Choice = Pick<HostConfig, "CapAdd" | "CapDrop" | "Privileged">;

/**
 * The capabilities a container gets: everything the engine has for a privileged one, else the defaults without what
 * is dropped, with what is added. `ALL` on either side stands for all of them (moby oci/caps/utils.go).
 *
 * @throws `invalid-parameter` `invalid CapAdd: unknown capability: "CAP_X"`
 */
export function containerCapabilities({ CapAdd, CapDrop, Privileged }: Choice, host: HostFacts): string[] {
  const add = normalize(CapAdd ?? [], "CapAdd");
  const drop = normalize(CapDrop ?? [], "CapDrop");
  const all = capabilityNames(host.capabilities);
  if (Privileged) return all;
  if (add.includes("ALL")) return all.filter((name) => !drop.includes(name));
  const kept = drop.includes("ALL") ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name));
  return [...new Set([...kept, ...add])];
}

function normalize(names: readonly string[], field: "CapAdd" | "CapDrop"): string[] {
  return names.map((name) => {
    const upper = name.toUpperCase();
    if (upper === "ALL") return upper;
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!CAPABILITIES.some((known) => known === full)) throw invalid(`invalid ${field}: unknown capability: "${full}"`);
    return full;
  });
}
