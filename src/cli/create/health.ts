import type { HealthConfig } from "#api/engine";
import { EngineError } from "#lib/errors";
import type { CreateFlags } from "./flags.ts";

/** The health check that the flags describe; undefined leaves the image's. */
export function parseHealth(flags: CreateFlags): HealthConfig | undefined {
  const durations = {
    Interval: nanoseconds(flags, "health-interval"),
    Timeout: nanoseconds(flags, "health-timeout"),
    StartPeriod: nanoseconds(flags, "health-start-period"),
    StartInterval: nanoseconds(flags, "health-start-interval"),
    Retries: flags["health-retries"],
  };
  if (durations.Retries < 0) throw invalid("--health-retries cannot be negative");
  const command = flags["health-cmd"];
  const isGiven = command !== "" || Object.values(durations).some((value) => value !== 0);
  if (flags["no-healthcheck"]) {
    if (isGiven) throw invalid("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!isGiven) return undefined;
  const set = Object.fromEntries(Object.entries(durations).filter(([, value]) => value !== 0));
  return { ...(command === "" ? {} : { Test: ["CMD-SHELL", command] }), ...set };
}

type DurationFlag = "health-interval" | "health-timeout" | "health-start-period" | "health-start-interval";

function nanoseconds(flags: CreateFlags, name: DurationFlag): number {
  const value = flags[name] ?? 0;
  if (value < 0) throw invalid(`--${name} cannot be negative`);
  return value;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
