import { bool } from "../../flags/flag.ts";

/** Docker's command line talks to registries itself; here the engine does, by its own configuration. */
export const insecureFlag = bool({
  help: "Has no effect: the engine's configuration says which registries are insecure",
});
