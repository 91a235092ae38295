/** Whether output may be coloured: on a terminal, unless the user says otherwise (https://no-color.org). */
export function colorsAllowed(options: { terminal: boolean; noColor: string | undefined }): boolean {
  return options.terminal && (options.noColor ?? "") === "";
}

/** ANSI sequences, for use on a terminal only. */
export const ansi = {
  /** What stands in the line from the cursor on. */
  clearRight: "\x1b[K",
  /** What stands from the cursor to the end of the screen. */
  clearBelow: "\x1b[J",
  up: (lines: number): string => (lines > 0 ? `\x1b[${lines}A` : ""),
  bold: (text: string): string => `\x1b[1m${text}\x1b[0m`,
  dim: (text: string): string => `\x1b[2m${text}\x1b[0m`,
  cyan: (text: string): string => `\x1b[36m${text}\x1b[0m`,
  green: (text: string): string => `\x1b[32m${text}\x1b[0m`,
  red: (text: string): string => `\x1b[31m${text}\x1b[0m`,
  yellow: (text: string): string => `\x1b[33m${text}\x1b[0m`,
} as const;

/**
 * Replaces control characters other than line ends and tabs, so that text from an image or an engine cannot drive the
 * terminal it is shown on.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\ufffd");
}
