/** The daemon program. */
import { runDaemon } from "#daemon";

process.exit(await runDaemon(process.argv.slice(2)));
