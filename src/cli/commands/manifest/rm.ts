import { formatReference } from "#api/distribution";
import { EngineError, messageOf } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { ListStore } from "../../manifests/list-store.ts";
import { parseManifestName } from "../../manifests/remote.ts";

export const rm = defineCommand({
  usage: "MANIFEST_LIST [MANIFEST_LIST...]",
  summary: "Delete one or more manifest lists from local storage",
  args: { kind: "at-least", count: 1 },
  flags: {},
  async run(context, { args }) {
    const store = new ListStore(context.configDirectory);
    const failures: string[] = [];
    for (const name of args) {
      try {
        store.remove(formatReference(parseManifestName(name)));
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (failures.length > 0) throw new EngineError("not-found", failures.join("\n"));
  },
});
