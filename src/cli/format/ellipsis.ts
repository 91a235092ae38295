/** Cuts text to a number of columns, with `…` in place of what is gone. */
export function ellipsis(text: string, columns: number): string {
  const chars = [...text];
  if (columns <= 0) return "";
  if (chars.length <= columns) return text;
  return columns === 1 ? chars[0]! : `${chars.slice(0, columns - 1).join("")}…`;
}

const SHORT_ID = 12;

/** The first twelve digits of an ID, without the digest's algorithm. */
export function shortId(id: string): string {
  const digits = id.slice(id.indexOf(":") + 1);
  return digits.slice(0, SHORT_ID);
}
