import type { RegistryProgram } from "./registry-program.ts";

/** What a command writes to. Writes are whole when they return, so output and exit codes cannot overtake each other. */
export interface Output {
  readonly isTerminal: boolean;
  /** Throws `BrokenPipe` when the reader has gone. */
  write(data: string | Uint8Array): void;
  /** Resolves when a slow reader took the data; other events go on meanwhile. */
  writeAsync(data: Uint8Array): Promise<void>;
}

/** What a command reads. */
export interface Input {
  readonly isTerminal: boolean;
  /** The bytes as they come, until the end of input. Leaving the loop leaves later input unread. */
  read(): AsyncIterable<Uint8Array>;
  /** Makes a terminal hand over single keys without echo, until disposed. */
  enterRawMode(): Promise<Disposable>;
  /** Makes a terminal show nothing of what is typed, until disposed. */
  hideTyping(): Promise<Disposable>;
}

/** Which program this is, as `version` tells it. */
export interface Release {
  readonly version: string;
  /** Empty when it was built from no commit. */
  readonly commit: string;
}

/** All that the command line knows of the process it runs in. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly release: Release;
  /** Of this machine, as the API names it: `amd64`. */
  readonly arch: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** The size of the terminal, if there is one. */
  terminalSize(): { rows: number; columns: number } | undefined;
  /** Calls `handler` for each signal of that name until the result is disposed; meanwhile its default does not happen. */
  onSignal(name: NodeJS.Signals, handler: () => void): Disposable;
  sleep(ms: number): Promise<void>;
  /** Loads the part of the executable that is a registry. */
  registry(): Promise<RegistryProgram>;
}
