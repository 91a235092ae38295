import { version } from "../package.json";

/** What this executable is. The commit is written in when it is built. */
export const RELEASE = { version, commit: process.env.TUG_COMMIT ?? "" };
