import type { ContainerConfig, HealthConfig } from "#api/engine";
import { refused } from "./errors.ts";

/** A health check with Docker's defaults for what was left out. */
export interface HealthCheck {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Failures in this time after the start do not count. */
  readonly startPeriodMs: number;
  /** Between checks in that time. */
  readonly startIntervalMs: number;
}

const NANO_PER_MS = 1_000_000;
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startIntervalMs: 5_000 };
const SHELL = ["/bin/sh", "-c"];

/** What to run; undefined without a health check, and with one that is switched off (`NONE`). */
export function healthCheckOf({ Healthcheck: check, Shell: shell }: ContainerConfig): HealthCheck | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (!check || (kind !== "CMD" && kind !== "CMD-SHELL")) return undefined;
  const command = kind === "CMD" ? words : [...(shell?.length ? shell : SHELL), ...words];
  const milliseconds = (nano: number | undefined, fallback: number) => (nano ? nano / NANO_PER_MS : fallback);
  return {
    command,
    intervalMs: milliseconds(check.Interval, DEFAULTS.intervalMs),
    timeoutMs: milliseconds(check.Timeout, DEFAULTS.timeoutMs),
    retries: check.Retries || DEFAULTS.retries,
    startPeriodMs: milliseconds(check.StartPeriod, 0),
    startIntervalMs: milliseconds(check.StartInterval, DEFAULTS.startIntervalMs),
  };
}

/** @throws `invalid-parameter` */
export function validateHealthCheck(check: HealthConfig | undefined): void {
  for (const key of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const nano = check?.[key] ?? 0;
    if (nano !== 0 && nano < NANO_PER_MS) throw refused(`${key} in Healthcheck cannot be less than 1ms`);
  }
  if ((check?.Retries ?? 0) < 0) throw refused("Retries in Healthcheck cannot be negative");
  const [kind] = check?.Test ?? [];
  if (kind && !["NONE", "CMD", "CMD-SHELL"].includes(kind)) {
    throw refused(`unknown type "${kind}" in Healthcheck: use NONE, CMD or CMD-SHELL`);
  }
}
