/** Puts text into double quotes with Go's escapes, as error messages that people know do it. */
export function quote(text: string): string {
  let quoted = "";
  for (const char of text) quoted += escapeChar(char, char.codePointAt(0)!);
  return `"${quoted}"`;
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\v": "\\v",
};

function escapeChar(char: string, code: number): string {
  const short = SHORT[char];
  if (short !== undefined) return short;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(char) ? `\\u${code.toString(16).padStart(4, "0")}` : char;
}
