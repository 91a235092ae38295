/** For tests: a terminal that understands what a block of lines needs, whose window may change, and that keeps what scrolls out. */
export class Screen {
  columns: number;
  rows: number;
  /** All lines ever, those of the window last. */
  readonly lines: string[] = [""];
  #line = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is told by
    for (const [, amount, verb, other] of text.matchAll(/\x1b\[(\d*)([A-Z])|(\r|\n|[^\x1b\r\n]+)/g)) {
      if (verb === undefined) this.#show(other ?? "");
      else this.#command(verb, Number(amount));
      while (this.lines.length <= this.#line) this.lines.push("");
    }
  }

  /** The lines that hold something. */
  get text(): string[] {
    return this.lines.filter((line) => line !== "");
  }

  #show(part: string): void {
    if (part === "\n") this.#line++;
    else if (part !== "\r") this.lines[this.#line] = part;
  }

  #command(verb: string, amount: number): void {
    const top = Math.max(0, this.lines.length - this.rows);
    if (verb === "A") this.#line = Math.max(top, this.#line - amount);
    else if (verb === "J") this.lines.splice(this.#line);
  }
}
