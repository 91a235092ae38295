import type { DeviceRequest } from "#api/engine";
import { EngineError, messageOf } from "#lib/errors";
import { quote } from "#lib/template";
import { parseInteger } from "../flags/flag.ts";
import { parseCsvLine } from "../values/csv.ts";

/** `all`, a count, or fields: `"device=0,1",capabilities=compute,driver=nvidia,options=a=b`. */
export function parseGpus(text: string): DeviceRequest {
  const fields = new Map<string, string>();
  for (const field of parseCsvLine(text)) {
    const equals = field.indexOf("=");
    const key = equals < 0 ? "count" : field.slice(0, equals);
    const isCount = equals < 0;
    if (fields.has(key) && !isCount) throw invalid(`gpu request key '${key}' can be specified only once`);
    if (!isCount && !["driver", "count", "device", "capabilities", "options"].includes(key)) {
      throw invalid(`unexpected key '${key}' in '${field}'`);
    }
    fields.set(key, isCount ? field : field.slice(equals + 1));
  }
  const device = fields.get("device");
  const capabilities = fields.get("capabilities")?.split(",") ?? [];
  const count = fields.get("count");
  return {
    Driver: fields.get("driver") ?? "",
    Count: count === undefined ? (device === undefined ? 1 : 0) : parseCount(count),
    DeviceIDs: (device === undefined ? null : device.split(",")) as string[],
    Capabilities: [[...capabilities, "gpu"]],
    Options: parseOptions(fields.get("options")),
  };
}

function parseCount(text: string): number {
  if (text === "all") return -1;
  try {
    return parseInteger(text);
  } catch (error) {
    const reason = messageOf(error).replace(`strconv.ParseInt: parsing ${quote(text)}: `, "");
    throw invalid(`invalid count (${text}): value must be either "all" or an integer: ${reason}`);
  }
}

function parseOptions(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  return Object.fromEntries(parseCsvLine(text).map((option) => splitOnce(option)));
}

function splitOnce(option: string): [string, string] {
  const equals = option.indexOf("=");
  return equals < 0 ? [option, ""] : [option.slice(0, equals), option.slice(equals + 1)];
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
