import type { Duplex } from "node:stream";

/**
 * Connects a client with a process's stdio: what the client sends goes in (or is dropped without `input`), what the
 * process says goes out, each direction at the speed of its reader. The client's half-close is the end of the input;
 * the end of the output half-closes towards the client; a client that vanishes is detached by destroying `inner`.
 * Resolves when the client has been sent everything or is gone.
 */
export function join(client: Duplex, inner: Duplex, options: { input: boolean }): Promise<void> {
  return new Promise((resolve) => {
    client.on("error", () => inner.destroy());
    client.once("close", () => {
      inner.destroy();
      resolve();
    });
    client.once("finish", resolve);
    // Its output ends early then; there is nobody but the client to tell, and it sees the end.
    inner.on("error", () => client.end());
    inner.once("close", () => client.end());
    inner.pipe(client);
    if (options.input) client.pipe(inner);
    else client.resume();
  });
}
