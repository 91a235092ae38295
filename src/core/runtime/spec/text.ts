/**
 * A runtime-spec document as `config.json`. The specification's unsigned 64-bit numbers do not all fit JavaScript's: an
 * unlimited rlimit is -1 with us and 2^64-1 in the file, large seccomp operands are bigint with us.
 */
import type { Rlimit, Spec } from "#api/oci";
import { messageOf } from "#lib/errors";
import { invalid } from "../errors.ts";

const UNLIMITED = (1n << 64n) - 1n;

/** `JSON.rawJSON` of ES2025, which TypeScript does not know yet: a number written digit by digit. */
declare global {
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

/** The text of `config.json`, as every OCI runtime reads it. */
export function formatSpec(spec: Spec): string {
  const { process } = spec;
  const rlimits = process?.rlimits?.map(({ type, hard, soft }) => ({
    type,
    hard: unsigned(hard),
    soft: unsigned(soft),
  }));
  const document = rlimits ? { ...spec, process: { ...process, rlimits } } : spec;
  return JSON.stringify(document, (_key, value) => (typeof value === "bigint" ? JSON.rawJSON(String(value)) : value));
}

function unsigned(limit: number): number | bigint {
  return limit < 0 ? UNLIMITED : limit;
}

/** Reads what `formatSpec` wrote, or anybody's `config.json`. @throws `invalid-parameter` when it is no JSON object */
export function parseSpec(text: string): Spec {
  const exact = (_key: string, value: unknown, { source = "" }: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(source) ? BigInt(source) : value;
  let spec: Spec;
  try {
    spec = JSON.parse(text, exact as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw invalid(`runtime-spec document: ${messageOf(error)}`);
  }
  if (typeof spec !== "object" || spec === null) throw invalid("runtime-spec document: it is not an object");
  const rlimits = spec.process?.rlimits?.map(signedLimits);
  return spec.process && rlimits ? { ...spec, process: { ...spec.process, rlimits } } : spec;
}

function signedLimits({ type, hard, soft }: Rlimit): Rlimit {
  return { type, hard: signed(hard), soft: signed(soft) };
}

function signed(limit: number | bigint): number {
  return typeof limit === "bigint" ? -1 : limit;
}
