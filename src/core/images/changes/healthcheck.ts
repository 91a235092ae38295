import type { HealthConfig } from "#api/engine";
import { parseDuration } from "#lib/time";
import { type Instruction, invalidChange, parseJsonStrings } from "./instructions.ts";

/** Flags that are durations, with the field each sets. */
const DURATIONS = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

const SHORTEST_NANO = 1_000_000n;

/** `HEALTHCHECK [--interval=5s …] CMD command`, or `HEALTHCHECK NONE`. */
export function parseHealthcheck({ flags, rest }: Instruction): HealthConfig {
  const [kind = "", command] = splitFirst(rest);
  if (kind === "") throw invalidChange("HEALTHCHECK requires at least one argument");
  if (kind.toUpperCase() === "NONE") {
    if (command !== "") throw invalidChange("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (kind.toUpperCase() !== "CMD")
    throw invalidChange(`Unknown type "${kind.toUpperCase()}" in HEALTHCHECK (try CMD)`);
  if (command === "") throw invalidChange("Missing command after HEALTHCHECK CMD");
  const list = parseJsonStrings(command);
  const config: HealthConfig = { Test: list ? ["CMD", ...list] : ["CMD-SHELL", command] };
  for (const [name, value] of flags) setFlag(config, name, value);
  return config;
}

function setFlag(config: HealthConfig, name: string, value: string): void {
  if (name === "retries") {
    const retries = parseRetries(value);
    if (retries > 0) config.Retries = retries;
  } else if (Object.hasOwn(DURATIONS, name)) {
    const nano = parseInterval(name, value);
    if (nano > 0n) config[DURATIONS[name as keyof typeof DURATIONS]] = Number(nano);
  } else {
    throw invalidChange(`unknown flag: --${name}`);
  }
}

/** Nothing and zero mean the default. */
function parseInterval(name: string, text: string): bigint {
  if (text === "") return 0n;
  const nano = parseDuration(text);
  if (nano === undefined) throw invalidChange(`time: invalid duration ${JSON.stringify(text)}`);
  if (nano !== 0n && nano < SHORTEST_NANO) throw invalidChange(`Interval "${name}" cannot be less than 1ms`);
  return nano;
}

function parseRetries(text: string): number {
  if (text === "") return 0;
  if (!/^[+-]?[0-9]{1,9}$/.test(text)) {
    throw invalidChange(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const retries = Number(text);
  if (retries < 0) throw invalidChange(`--retries cannot be negative (${retries})`);
  return retries;
}

function splitFirst(text: string): [string, string] {
  const match = /^(\S*)\s*/.exec(text);
  return [match?.[1] ?? "", text.slice(match?.[0].length ?? 0)];
}
