/**
 * The two engines that are compared: a private tugd and the real one, which `TUG_TEST_ORACLE` names by its socket. Both get the
 * same image. Everything made bears `prefix`, so that only that is removed from an engine that others may be using.
 */
import { rmSync } from "node:fs";
import { makeBusyboxImage } from "#fixtures";
import { TestDaemon } from "../engine/_daemon.ts";
import { type Answer, type RequestOptions, request } from "./_http.ts";

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Engine {
  readonly which: "tug" | "docker";
  readonly socket: string;
  readonly prefix: string;
  readonly image: string;

  constructor(which: "tug" | "docker", socket: string, names: { prefix: string; image: string }) {
    this.which = which;
    this.socket = socket;
    this.prefix = names.prefix;
    this.image = names.image;
  }

  /** One request. `P-` at the start of a word of the path becomes the prefix; a body that is no string goes as JSON. */
  send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return request(this.socket, method, this.expand(path), this.#options(body, headers));
  }

  /** As `send`, with the body of a success parsed. @throws when the engine refuses */
  async get<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 400) throw new Error(`${this.which}: ${method} ${path}: ${answer.status} ${answer.body}`);
    return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
  }

  /** The unmodified command line. */
  async docker(args: readonly string[], options: { stdin?: string } = {}): Promise<Output> {
    const child = Bun.spawn([process.env.TUG_TEST_DOCKER ?? "docker", ...args.map((arg) => this.expand(arg))], {
      env: { ...process.env, DOCKER_HOST: `unix://${this.socket}`, DOCKER_CONTEXT: "" },
      stdin: options.stdin === undefined ? "ignore" : new Response(options.stdin),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** `P-web` is a name of this run, `IMAGE` the image both engines have. */
  expand(text: string): string {
    return text.replaceAll(/\bP-/g, this.prefix).replaceAll(/\bIMAGE\b/g, this.image);
  }

  async clean(): Promise<void> {
    const all = await this.get<{ Id: string; Names: string[] }[]>("GET", "/containers/json?all=1");
    const mine = all.filter(({ Names }) => Names.some((name) => name.startsWith(`/${this.prefix}`)));
    await Promise.all(mine.map(({ Id }) => this.send("DELETE", `/containers/${Id}?force=1&v=1`)));
  }

  #options(body: unknown, headers: Record<string, string>): RequestOptions {
    if (body === undefined) return { headers };
    if (typeof body === "string" || body instanceof Uint8Array) return { body, headers };
    return { body: this.expand(JSON.stringify(body)), headers: { "Content-Type": "application/json", ...headers } };
  }
}

export class Engines implements AsyncDisposable {
  readonly tug: Engine;
  readonly docker: Engine;
  readonly daemon: TestDaemon;

  private constructor(daemon: TestDaemon, names: { prefix: string; image: string }) {
    this.daemon = daemon;
    this.tug = new Engine("tug", daemon.socket, names);
    this.docker = new Engine("docker", oracleSocket(), names);
  }

  static async start(): Promise<Engines> {
    oracleSocket();
    const run = `tugo${Math.random().toString(36).slice(2, 7)}`;
    const names = { prefix: `${run}-`, image: `${run}-image:1` };
    const engines = new Engines(await TestDaemon.start({ busybox: false }), names);
    try {
      // The label makes it an image of its own, so that nobody else has names for it.
      const archive = await makeBusyboxImage({ tag: names.image, config: { Labels: { run } } });
      using _ = { [Symbol.dispose]: () => rmSync(archive) };
      await engines.both(async (engine) => {
        const loaded = await engine.docker(["load", "-q", "-i", archive]);
        if (loaded.code !== 0) throw new Error(`${engine.which}: load: ${loaded.stderr}`);
      });
    } catch (error) {
      await engines[Symbol.asyncDispose]();
      throw error;
    }
    return engines;
  }

  /** Does the same with both engines at once and gives what came of it. */
  async both<T>(act: (engine: Engine) => Promise<T>): Promise<{ tug: T; docker: T }> {
    const [tug, docker] = await Promise.all([act(this.tug), act(this.docker)]);
    return { tug, docker };
  }

  /** Removes the containers made so far. */
  async clean(): Promise<void> {
    await this.both((engine) => engine.clean());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.docker.clean();
    await this.docker.send("DELETE", `/images/${this.docker.image}?force=1`);
    await this.daemon[Symbol.asyncDispose]();
  }
}

function oracleSocket(): string {
  const socket = process.env.TUG_TEST_ORACLE;
  if (!socket) throw new Error("these tests compare with a real Docker Engine: set TUG_TEST_ORACLE to its socket");
  return socket;
}
