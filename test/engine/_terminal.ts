/** A program in a terminal of its own, and what a person does there: read, type, change the window. */
/** Shorter than the runner's own, so that what was seen instead can be told. */
const PATIENCE_MS = 4_000;

export interface TerminalOptions {
  readonly env?: Record<string, string>;
  readonly columns?: number;
  readonly rows?: number;
}

export class TerminalSession implements Disposable {
  readonly #process: Bun.Subprocess;
  #text = "";
  /** How much of the text was looked at. */
  #read = 0;
  #wake: (() => void) | undefined;

  constructor(argv: string[], { env = {}, columns = 100, rows = 30 }: TerminalOptions = {}) {
    const terminal = {
      cols: columns,
      rows,
      data: (_: Bun.Terminal, bytes: Uint8Array) => {
        this.#text += Buffer.from(bytes).toString();
        this.#wake?.();
      },
    };
    this.#process = Bun.spawn(argv, { env: { ...process.env, ...env }, terminal });
  }

  /** Waits until the terminal shows a text after what was seen before. */
  async sees(text: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const at = this.#text.indexOf(text, this.#read);
      if (at >= 0) {
        this.#read = at + text.length;
        return;
      }
      if (Date.now() > deadline) throw new Error(`the terminal never showed ${JSON.stringify(text)}: ${this.unread}`);
      await this.#change(deadline - Date.now());
    }
  }

  /** All that was shown. */
  get text(): string {
    return this.#text;
  }

  /** What was shown and not yet waited for. */
  get unread(): string {
    return this.#text.slice(this.#read);
  }

  types(text: string): void {
    this.#process.terminal?.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#process.terminal?.resize(columns, rows);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** How the program ended: its exit code, or the signal. */
  async end(): Promise<number | NodeJS.Signals> {
    const code = await this.#process.exited;
    return this.#process.signalCode ?? code;
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
    this.#process.terminal?.close();
  }

  #change(patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
