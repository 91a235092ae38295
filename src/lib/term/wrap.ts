/**
 * Breaks text at blanks so that no line is longer than `width`, and puts `indent` blanks before all but the first
 * line. Line breaks in the text stay. The rule is pflag's (Go), which the help of the tools around us uses, among them
 * its slack of five columns that keeps a short last word on the line.
 */
export function wrapText(text: string, options: { indent: number; width: number }): string {
  const narrow = options.width - options.indent < MIN_ROOM;
  const indent = narrow ? NARROW_INDENT : options.indent;
  const margin = `\n${" ".repeat(indent)}`;
  const room = options.width - indent;
  if (room < MIN_ROOM) return text.replaceAll("\n", margin);
  const lines: string[] = narrow ? [""] : [];
  for (let rest = text; rest !== ""; ) {
    const broken = breakLine(room - SLACK, rest);
    lines.push(broken.line.replaceAll("\n", margin));
    rest = broken.rest;
  }
  return lines.join(margin);
}

const SLACK = 5;
/** With less room than this beside the indent, the text moves to a line of its own, less indented. */
const MIN_ROOM = 24;
const NARROW_INDENT = 16;

function breakLine(width: number, text: string): { line: string; rest: string } {
  if (width + SLACK > text.length) return { line: text, rest: "" };
  const head = text.slice(0, width);
  const blank = Math.max(head.lastIndexOf(" "), head.lastIndexOf("\t"), head.lastIndexOf("\n"));
  if (blank <= 0) return { line: text, rest: "" };
  const newline = head.lastIndexOf("\n");
  if (newline > 0 && newline < blank) return { line: text.slice(0, newline), rest: text.slice(newline + 1) };
  return { line: text.slice(0, blank), rest: text.slice(blank + 1) };
}
