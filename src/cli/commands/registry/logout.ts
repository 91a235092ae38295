import { messageOf } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { HUB_SERVER, serverOf } from "../../credentials/credentials.ts";
import { storeFor } from "../../credentials/stores.ts";
import { warnOfEnvironmentAuth } from "./_environment.ts";

export const logout = defineCommand({
  usage: "[SERVER]",
  summary: "Log out from a registry",
  details: "If no server is specified, you are logged out from Docker Hub.",
  args: { kind: "at-most", count: 1 },
  flags: {},
  completeArgs: "registries",
  async run(context, { args }) {
    const { io } = context;
    warnOfEnvironmentAuth(context);
    const given = args[0] ?? "";
    const server = serverOf(given);
    io.stdout.write(`Removing login credentials for ${server}\n`);
    // Other and older programs keep a registry under its address.
    const names = server === HUB_SERVER ? [server] : [given, server, `http://${server}`, `https://${server}`];
    const failures: string[] = [];
    const unique = [...new Set(names)];
    for (const name of unique) {
      await storeFor(context, name)
        .erase(name)
        .catch((error) => failures.push(`${name}: ${messageOf(error)}\n`));
    }
    if (failures.length === unique.length) {
      io.stderr.write(`WARNING: could not erase credentials:\n${failures.join("")}`);
    }
  },
});
