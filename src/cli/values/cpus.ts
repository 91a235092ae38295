import { EngineError } from "#lib/errors";

const NANO_DIGITS = 9;

/**
 * Reads a number of CPUs (`1.5`, `1/2`, `1e3`) into billionths.
 *
 * @throws EngineError `invalid-parameter` if it is no number, or needs more than nine digits of fraction.
 */
export function parseCpus(text: string): number {
  const match = /^([+-]?)(?:(\d+)\/(\d+)|(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?)$/.exec(text);
  const [, sign, numerator, denominator, whole = "", fraction = "", exponent = "0"] = match ?? [];
  if (match === null || (numerator === undefined && whole + fraction === "") || /^0+$/.test(denominator ?? "1")) {
    throw new EngineError("invalid-parameter", `failed to parse ${text} as a rational number`);
  }
  const power = NANO_DIGITS + Number(exponent) - fraction.length;
  const top =
    BigInt(numerator ?? whole + fraction) * 10n ** BigInt(numerator === undefined ? Math.max(0, power) : NANO_DIGITS);
  const bottom = denominator === undefined ? 10n ** BigInt(Math.max(0, -power)) : BigInt(denominator);
  if (top % bottom !== 0n) throw new EngineError("invalid-parameter", "value is too precise");
  const nano = Number(top / bottom);
  return sign === "-" ? -nano : nano;
}
