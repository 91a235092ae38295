/** A process for tests: what is written to it can be read, and nothing outside is touched. */
import type { Io, Output } from "./io.ts";

export interface TestIo extends Io {
  readonly written: { stdout: string; stderr: string };
}

export interface TestIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly columns?: number;
}

const NOW_MS = Date.UTC(2026, 10, 21);

export function testIo({ env = {}, cwd = "/", stdin = "", columns }: TestIoOptions = {}): TestIo {
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr"): Output => ({
    isTerminal: columns !== undefined,
    write(data) {
      written[name] += typeof data === "string" ? data : new TextDecoder().decode(data);
    },
    async writeAsync(data) {
      written[name] += new TextDecoder().decode(data);
    },
  });
  return {
    written,
    env: { DOCKER_CONFIG: "/nonexistent", ...env },
    home: "/nonexistent",
    cwd,
    stdin: {
      isTerminal: false,
      async *read() {
        if (stdin !== "") yield new TextEncoder().encode(stdin);
      },
      enterRawMode: async () => ({ [Symbol.dispose]: () => undefined }),
      hideTyping: async () => ({ [Symbol.dispose]: () => undefined }),
    },
    stdout: output("stdout"),
    stderr: output("stderr"),
    release: { version: "0.0.0-test", commit: "" },
    arch: "amd64",
    now: () => NOW_MS,
    terminalSize: () => (columns === undefined ? undefined : { rows: 24, columns }),
    onSignal: () => ({ [Symbol.dispose]: () => undefined }),
    sleep: () => Promise.resolve(),
    registry: () => Promise.reject(new Error("no registry is provided")),
  };
}
