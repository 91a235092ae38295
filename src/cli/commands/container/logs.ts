import { containers, OutputDecoder } from "#client";
import { EngineError, messageOf } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, string } from "../../flags/flag.ts";
import { toUnixTime } from "../../values/timestamps.ts";

export const logs = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Fetch the logs of a container",
  args: { kind: "exactly", count: 1 },
  flags: {
    details: bool({ help: "Show extra details provided to logs" }),
    follow: bool({ short: "f", help: "Follow log output" }),
    since: string({
      help: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    }),
    tail: string({ short: "n", default: "all", help: "Number of lines to show from the end of the logs" }),
    timestamps: bool({ short: "t", help: "Show timestamps" }),
    until: string({
      help: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    }),
  },
  completeArgs: "containers",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const container = await containers.inspect(engine, args[0]!);
    const since = timeFlag(context, "since", flags.since);
    const until = timeFlag(context, "until", flags.until);
    const body = await containers.logs(engine, container.Id ?? args[0]!, {
      follow: flags.follow,
      timestamps: flags.timestamps,
      details: flags.details,
      tail: flags.tail,
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
    if (container.Config?.Tty === true) return copy(context, body);
    return copyFrames(context, body);
  },
});

function timeFlag({ io }: Context, name: string, text: string): string | undefined {
  if (text === "") return undefined;
  try {
    return toUnixTime(text, io.now());
  } catch (error) {
    throw new EngineError("invalid-parameter", `invalid value for "${name}": ${messageOf(error)}`);
  }
}

async function copy({ io }: Context, body: AsyncIterable<Uint8Array>): Promise<number> {
  for await (const bytes of body) io.stdout.write(bytes);
  return 0;
}

async function copyFrames({ io }: Context, body: AsyncIterable<Uint8Array>): Promise<number> {
  const decoder = new OutputDecoder();
  for await (const bytes of body) {
    for (const part of decoder.push(bytes)) io[part.stream].write(part.bytes);
  }
  return 0;
}
