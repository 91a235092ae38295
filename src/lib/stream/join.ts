import type { Duplex, Transform } from "node:stream";

interface JoinOptions {
  /** Whether what the client sends is input, or dropped. */
  readonly input: boolean;
  /** What the output passes through on its way to the client. */
  readonly output?: Transform;
}

/**
 * Connects a client with a process's stdio: what the client sends goes in, what the process says goes out, each
 * direction at the speed of its reader. The client's half-close is the end of the input; the end of the output
 * half-closes towards the client; a client that vanishes is detached by destroying `inner`.
 * Resolves when the client has been sent everything or is gone.
 */
export function join(client: Duplex, inner: Duplex, options: JoinOptions): Promise<void> {
  return new Promise((resolve) => {
    client.on("error", () => inner.destroy());
    client.once("close", () => {
      inner.destroy();
      resolve();
    });
    client.once("finish", resolve);
    // There is nobody to tell of a failure but the client, and it sees the end.
    inner.on("error", () => client.end());
    const source = options.output ? inner.pipe(options.output) : inner;
    source.once("close", () => client.end());
    source.pipe(client);
    if (options.input) client.pipe(inner);
    else client.resume();
  });
}
