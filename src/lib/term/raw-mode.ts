/**
 * Modes of a terminal by libc's own calls. `setRawMode` of node's tty module leaves output processing on, which turns
 * each line feed of a full-screen program into a line feed and a carriage return.
 */
import { EngineError } from "#lib/errors";

/** More than `struct termios` takes anywhere (60 bytes with glibc on Linux). */
const TERMIOS_BYTES = 256;
/** Where `c_lflag` lies in it, on every architecture of glibc. */
const LOCAL_FLAGS_OFFSET = 12;
const ECHO = 0o10;
const TCSANOW = 0;

/**
 * Makes the terminal hand over single keys, show nothing of them, and leave output alone, until disposed.
 *
 * @throws EngineError `internal` if this is no terminal.
 */
export function enterRawMode(fd: number): Promise<Disposable> {
  return changeMode(fd, (termios, { cfmakeraw }) => cfmakeraw(termios));
}

/**
 * Makes the terminal show nothing of what is typed, until disposed. Lines and signals stay what they are.
 *
 * @throws EngineError `internal` if this is no terminal.
 */
export function hideTyping(fd: number): Promise<Disposable> {
  return changeMode(fd, (termios) => {
    const view = new DataView(termios.buffer);
    view.setUint32(LOCAL_FLAGS_OFFSET, view.getUint32(LOCAL_FLAGS_OFFSET, true) & ~ECHO, true);
  });
}

interface Calls {
  cfmakeraw(termios: Uint8Array): void;
}

async function changeMode(fd: number, change: (termios: Uint8Array, calls: Calls) => void): Promise<Disposable> {
  const { dlopen } = await import("bun:ffi");
  const libc = dlopen("libc.so.6", {
    tcgetattr: { args: ["int", "ptr"], returns: "int" },
    tcsetattr: { args: ["int", "int", "ptr"], returns: "int" },
    cfmakeraw: { args: ["ptr"], returns: "void" },
  });
  const saved = new Uint8Array(TERMIOS_BYTES);
  if (libc.symbols.tcgetattr(fd, saved) !== 0) {
    throw new EngineError("internal", `mode of the terminal at fd ${fd}: no terminal`);
  }
  const changed = saved.slice();
  change(changed, libc.symbols);
  libc.symbols.tcsetattr(fd, TCSANOW, changed);
  return {
    [Symbol.dispose]() {
      libc.symbols.tcsetattr(fd, TCSANOW, saved);
      libc.close();
    },
  };
}
