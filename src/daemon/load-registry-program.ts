import type { RegistryProgram } from "./registry/program.ts";
import type { Release } from "./release.ts";

/** The registry as a program of its own. Its code is loaded now, so that the daemon does without. */
export async function loadRegistryProgram(release: Release): Promise<RegistryProgram> {
  const { registryProgram } = await import("./registry/program.ts");
  return registryProgram(release);
}
