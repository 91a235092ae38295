import type { ImageExplanation } from "#api/engine";
import { imageFiles } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, string, value } from "../../flags/flag.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { layerText } from "../../format/explain/changes.ts";
import { explanationText } from "../../format/explain/explanation.ts";
import { pathText } from "../../format/explain/path.ts";
import { styleFor } from "../../format/explain/style.ts";
import { platformFlag } from "./_platform.ts";

export const explain = defineCommand({
  usage: "[OPTIONS] IMAGE",
  summary: "Explain what is in an image",
  details: `Shows how the image was built and what each layer added, changed and deleted, what
a container of it runs and from which layer that is, what it sets, which space is
wasted, and what it shares with other images. Layers are counted from 1, the lowest.

  tug explain nginx                     all of it
  tug explain --layer 2 nginx           every file that the second layer touched
  tug explain --path /etc/nginx nginx   which layers made a file or directory what it is
  tug explain --json nginx | jq         for programs`,
  args: { kind: "exactly", count: 1 },
  flags: {
    format: inspectFormatFlag(),
    json: bool({ help: "Print everything as JSON" }),
    layer: value({ short: "n", type: "int", help: "Show every file that this layer touched", parseOne: parseLayer }),
    "no-trunc": bool({ help: "Don't truncate output" }),
    path: string({ short: "p", help: "Show which layers made a file or directory what it is" }),
    platform: string({ help: 'Explain the image for the given platform (e.g., "linux/amd64")' }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const image = await imageFiles.explain(await context.engine(), args[0]!, {
      ...platformFlag(flags.platform, context.io),
      ...(flags.layer === undefined ? {} : { layer: flags.layer }),
      ...(flags.path === "" ? {} : { path: flags.path }),
    });
    const format = flags.json ? "json" : flags.format;
    context.io.stdout.write(
      format === "" ? pictureOf(context, image, !flags["no-trunc"]) : await rendered(image, format),
    );
  },
});

/** The whole, unless a part of it was asked for. */
function pictureOf({ io }: Context, image: ImageExplanation, truncate: boolean): string {
  const style = styleFor(io, { truncate });
  const { Changes, Path } = image;
  if (Changes === undefined && Path === undefined) return explanationText(image, style, io.now());
  const parts = [Changes && layerText(image, Changes, style), Path && pathText(Path, style)];
  return parts.filter((part) => part !== undefined).join("\n");
}

async function rendered(image: ImageExplanation, format: string): Promise<string> {
  if (format === "json") return `${JSON.stringify(image, undefined, 2)}\n`;
  const { inspectTemplate } = await import("../../format/template-format.ts");
  const { text, fault } = inspectTemplate(format)([image]);
  if (fault !== undefined) throw fault;
  return text;
}

function parseLayer(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new EngineError("invalid-parameter", "a layer is a number from 1");
  return Number(text);
}
