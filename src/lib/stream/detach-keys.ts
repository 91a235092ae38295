/** ctrl-p, ctrl-q. */
export const DEFAULT_DETACH_KEYS: readonly number[] = [16, 17];

// `ctrl-@` is 0, and so on in the order of ASCII's control characters.
const CONTROLS = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
const DELETE = 127;

/**
 * Reads detach keys as users write them: `ctrl-p,ctrl-q`, `ctrl-a,x`, `DEL`. Empty text means the default keys;
 * undefined means that the text is no sequence of keys.
 */
export function parseDetachKeys(text: string): readonly number[] | undefined {
  if (text === "") return DEFAULT_DETACH_KEYS;
  const keys = text.split(",").map(parseKey);
  return keys.includes(undefined) ? undefined : (keys as number[]);
}

function parseKey(key: string): number | undefined {
  if (key.length === 1) return key.charCodeAt(0) < 256 ? key.charCodeAt(0) : undefined;
  if (key === "DEL") return DELETE;
  const control = /^ctrl-(.)$/.exec(key)?.[1];
  const code = control === undefined ? -1 : CONTROLS.indexOf(control);
  return code < 0 ? undefined : code;
}

/**
 * Watches what is typed for the detach keys. Keys that may be the beginning of the sequence are held back until it is
 * clear that they are not; the sequence itself is swallowed.
 */
export class DetachKeys {
  readonly #keys: readonly number[];
  /** How many keys of the sequence were typed. */
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What of this input goes to the process, and whether the user detaches with it. Nothing after the keys is looked at. */
  scan(input: Uint8Array): { output: Uint8Array; detached: boolean } {
    const output: number[] = [];
    for (const byte of input) {
      if (byte !== this.#keys[this.#matched]) {
        output.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) {
        output.push(byte);
      } else if (++this.#matched === this.#keys.length) {
        this.#matched = 0;
        return { output: Uint8Array.from(output), detached: true };
      }
    }
    return { output: Uint8Array.from(output), detached: false };
  }
}
