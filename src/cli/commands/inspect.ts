import { containers, type EngineClient, images, networks, volumes } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand } from "../command.ts";
import { bool, string } from "../flags/flag.ts";
import { inspectFormatFlag } from "../flags/format.ts";
import { inspectEach } from "./_inspect.ts";

type Find = (engine: EngineClient, name: string, options: { size: boolean }) => Promise<object>;

/** In the order in which a name is looked up when no type is given. */
const FINDERS: Readonly<Record<string, Find>> = {
  container: (engine, name, { size }) => containers.inspect(engine, name, { size }),
  image: (engine, name) => images.inspect(engine, name),
  network: (engine, name) => networks.inspect(engine, name),
  volume: (engine, name) => volumes.inspect(engine, name),
};

const TYPES = ["config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"];

export const inspect = defineCommand({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  summary: "Return low-level information on containers, images, networks and volumes",
  args: { kind: "at-least", count: 1 },
  flags: {
    format: inspectFormatFlag(),
    size: bool({ short: "s", help: "Display total file sizes if the type is container" }),
    type: string({ help: "Only inspect objects of the given type" }),
  },
  completeArgs: "containers",
  completeFlags: { type: TYPES },
  async run(context, { flags, args, given }) {
    const { type } = flags;
    if (given("type") && !TYPES.includes(type)) {
      const known = TYPES.map((each) => `"${each}"`).join(", ");
      throw new EngineError("invalid-parameter", `unknown type: "${type}": must be one of ${known}`);
    }
    const engine = await context.engine();
    const kinds = given("type") ? [type] : Object.keys(FINDERS);
    return inspectEach(context, {
      names: args,
      format: flags.format,
      find: (name) => findFirst(engine, { name, kinds, size: flags.size, isTyped: given("type") }),
    });
  },
});

interface Search {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly size: boolean;
  readonly isTyped: boolean;
}

async function findFirst(engine: EngineClient, { name, kinds, size, isTyped }: Search): Promise<object> {
  for (const kind of kinds) {
    const find = FINDERS[kind];
    if (find === undefined) return engine.json("GET", `/${kind}s/${encodeURIComponent(name)}`);
    try {
      return await find(engine, name, { size });
    } catch (error) {
      // Names that one kind of object cannot have may still be another's.
      if (isTyped || !(isKind(error, "not-found") || isKind(error, "invalid-parameter"))) throw error;
    }
  }
  throw new EngineError("not-found", `Error: No such object: ${name}`);
}
