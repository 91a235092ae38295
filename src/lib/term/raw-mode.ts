/**
 * A terminal's raw mode by libc's own calls. `setRawMode` of node's tty module leaves output processing on, which turns
 * each line feed of a full-screen program into a line feed and a carriage return.
 */
import { EngineError } from "#lib/errors";

/** More than `struct termios` takes anywhere (60 bytes with glibc on Linux). */
const TERMIOS_BYTES = 256;
const TCSANOW = 0;

/**
 * Makes the terminal hand over single keys, show nothing of them, and leave output alone, until disposed.
 *
 * @throws EngineError `internal` if this is no terminal.
 */
export async function enterRawMode(fd: number): Promise<Disposable> {
  const { dlopen } = await import("bun:ffi");
  const libc = dlopen("libc.so.6", {
    tcgetattr: { args: ["int", "ptr"], returns: "int" },
    tcsetattr: { args: ["int", "int", "ptr"], returns: "int" },
    cfmakeraw: { args: ["ptr"], returns: "void" },
  });
  const saved = new Uint8Array(TERMIOS_BYTES);
  if (libc.symbols.tcgetattr(fd, saved) !== 0) throw new EngineError("internal", `raw mode of fd ${fd}: no terminal`);
  const raw = saved.slice();
  libc.symbols.cfmakeraw(raw);
  libc.symbols.tcsetattr(fd, TCSANOW, raw);
  return {
    [Symbol.dispose]() {
      libc.symbols.tcsetattr(fd, TCSANOW, saved);
      libc.close();
    },
  };
}
