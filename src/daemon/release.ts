import { version } from "../../package.json";

/** What this executable is. */
export const RELEASE = {
  version,
  commit: process.env.TUG_COMMIT ?? "unknown",
  builtAt: process.env.TUG_BUILT_AT ?? "",
};
