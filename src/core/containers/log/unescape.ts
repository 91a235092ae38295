const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const REPLACEMENT = 0xfffd;

/** What the letter after a backslash stands for; others stand for themselves. */
const ESCAPES: Readonly<Record<number, number>> = {
  98: 0x08,
  102: 0x0c,
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
};

/**
 * Appends the text of a JSON string (without its quotes) to `out` as UTF-8 and returns the new end. Text is never longer than its
 * escaped form, so `out` needs no more room than the source has.
 */
export function appendUnescaped(
  source: Buffer,
  { from, to }: { from: number; to: number },
  out: Buffer,
  at: number,
): number {
  let end = at;
  for (let index = from; index < to; ) {
    const byte = source[index] as number;
    if (byte !== BACKSLASH) {
      out[end++] = byte;
      index++;
    } else if (source[index + 1] === LETTER_U) {
      const { code, length } = codePoint(source, index, to);
      end = appendUtf8(out, end, code);
      index += length;
    } else {
      const letter = source[index + 1] ?? BACKSLASH;
      out[end++] = ESCAPES[letter] ?? letter;
      index += 2;
    }
  }
  return end;
}

/** Reads `\uXXXX`, or two that are a surrogate pair. Half a pair is replaced, as Go does. */
function codePoint(source: Buffer, at: number, to: number): { code: number; length: number } {
  const high = hexAt(source, at + 2, to);
  const isHigh = high >= 0xd800 && high < 0xdc00;
  if (isHigh && source[at + 6] === BACKSLASH && source[at + 7] === LETTER_U) {
    const low = hexAt(source, at + 8, to);
    if (low >= 0xdc00 && low < 0xe000) return { code: 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00), length: 12 };
  }
  const isHalf = high >= 0xd800 && high < 0xe000;
  return { code: isHalf || high < 0 ? REPLACEMENT : high, length: 6 };
}

function hexAt(source: Buffer, at: number, to: number): number {
  if (at + 4 > to) return -1;
  const text = source.toString("latin1", at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(text) ? Number.parseInt(text, 16) : -1;
}

function appendUtf8(out: Buffer, at: number, code: number): number {
  if (code < 0x80) {
    out[at] = code;
    return at + 1;
  }
  return at + out.write(String.fromCodePoint(code), at, "utf8");
}
