import { EngineError } from "#lib/errors";

const CONTROL: Readonly<Record<string, number>> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/**
 * Reads a key sequence such as `ctrl-p,ctrl-q` or `ctrl-a,x` into the bytes that a terminal sends for it.
 *
 * @throws EngineError `invalid-parameter` for a part that is neither one character nor `ctrl-` and a key.
 */
export function parseDetachKeys(text: string): Uint8Array {
  const codes: number[] = [];
  for (const key of text.split(",")) {
    if (/^[\x20-\x7e]$/.test(key)) codes.push(key.charCodeAt(0));
    else if (key === "DEL") codes.push(127);
    else codes.push(controlCode(key));
  }
  return Uint8Array.from(codes);
}

function controlCode(key: string): number {
  const name = /^ctrl-(.)$/.exec(key)?.[1];
  const code = name === undefined ? undefined : /[a-z]/.test(name) ? name.charCodeAt(0) - 96 : CONTROL[name];
  if (code === undefined) throw new EngineError("invalid-parameter", `Unknown character: '${key}'`);
  return code;
}

/**
 * Watches typed bytes for the key sequence. Bytes that may still become the sequence are held back; when they turn out
 * to be something else they are let through with what follows.
 */
export class DetachWatcher {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What to pass on of the typed bytes, and whether the sequence is complete. */
  push(bytes: Uint8Array): { pass: Uint8Array; detached: boolean } {
    if (this.#keys.length === 0) return { pass: bytes, detached: false };
    const pass: number[] = [];
    for (const byte of bytes) {
      if (byte !== this.#keys[this.#matched] && this.#matched > 0) {
        pass.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) pass.push(byte);
      else if (++this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detached: true };
    }
    return { pass: Uint8Array.from(pass), detached: false };
  }
}
