/**
 * A registry for each engine, both over one folder: what is in one is in the other. The other engine may live in a network
 * namespace of its own, where it can reach only what listens there.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RegistryOptions, startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import type { Engine, Engines } from "./_engines.ts";

export class Registries implements AsyncDisposable {
  readonly #of: Readonly<Record<Engine["which"], TestRegistry>>;
  readonly #stack: AsyncDisposableStack;

  private constructor(of: Readonly<Record<Engine["which"], TestRegistry>>, stack: AsyncDisposableStack) {
    this.#of = of;
    this.#stack = stack;
  }

  static async start(engines: Engines, options: RegistryOptions = {}): Promise<Registries> {
    await using stack = new AsyncDisposableStack();
    const root = mkdtempSync(join(tmpdir(), "tug-oracle-registry-"));
    stack.defer(() => rmSync(root, { recursive: true }));
    const tug = stack.use(await startRegistry({ ...options, root }));
    const docker = stack.use(await startRegistry({ ...options, root, namespace: namespaceOf(engines.docker.socket) }));
    return new Registries({ tug, docker }, stack.move());
  }

  /** `REG` is the engine's registry, `OWN` a part of it that the other engine leaves alone. */
  expand(engine: Engine, text: string): string {
    return text.replaceAll("REG", this.#of[engine.which].host).replaceAll("OWN", `of-${engine.which}`);
  }

  /** The other way round. */
  normalise(engine: Engine, text: string): string {
    return text.replaceAll(this.#of[engine.which].host, "REG").replaceAll(`of-${engine.which}`, "OWN");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** That of the process which listens on a socket. */
export function namespaceOf(socket: string): string {
  const script = `import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])`;
  const { stdout, stderr, exitCode } = Bun.spawnSync(["python3", "-c", script, socket]);
  if (exitCode !== 0) throw new Error(`who listens on ${socket}: ${stderr}`);
  return `/proc/${stdout.toString().trim()}/ns/net`;
}

/** A login as clients send it: Docker's daemon insists on the padding. */
export function authHeader(login: object): Record<string, string> {
  const text = Buffer.from(JSON.stringify(login)).toString("base64url");
  return { "X-Registry-Auth": text.padEnd(Math.ceil(text.length / 4) * 4, "=") };
}
