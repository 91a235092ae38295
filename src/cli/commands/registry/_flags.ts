import { resolve } from "node:path";
import type { Context } from "../../context.ts";
import { string } from "../../flags/flag.ts";
import type { RegistryFlags } from "../../registry-program.ts";

/** Flags of everything that concerns a registry of our own; the configuration file says more. */
export const registryFlags = {
  config: string({ short: "c", type: "file", help: "Configuration file, YAML or JSON; flags go before it" }),
  root: string({ type: "dir", help: "Folder in which the registry keeps everything" }),
  "log-level": string({ help: 'Logging level ("debug", "info", "warn", "error", "fatal")' }),
};

const NOTHING_SAID: RegistryFlags = {
  config: "",
  addr: "",
  root: "",
  tls: "",
  htpasswd: "",
  anonymous: "",
  "log-level": "",
};

/** The flags with paths as the shell means them; what a command does not have is not said. */
export function absoluteFlags({ io }: Context, flags: Partial<RegistryFlags>): RegistryFlags {
  const said = { ...NOTHING_SAID, ...flags };
  const path = (text: string) => (text === "" ? "" : resolve(io.cwd, text));
  return { ...said, config: path(said.config), root: path(said.root), htpasswd: path(said.htpasswd) };
}
