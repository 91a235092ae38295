/**
 * A private daemon for a test: its own data root, exec root, socket, bridge and cgroup parent, all with one random
 * name, so that several test runs may go on at once and what is left behind can be told apart.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeBusyboxImage } from "../fixtures/busybox.ts";

const ROOT = resolve(import.meta.dir, "../..");
const START_LIMIT_MS = 20_000;
/** A daemon that does not end when told is killed, and whoever waits gets an exit code that is not 0. */
const STOP_LIMIT_MS = 30_000;
/** The daemon under test: what was built, or another build. */
const TUGD = process.env.TUG_TEST_TUGD ?? join(ROOT, "dist/tugd");

interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export interface DaemonOptions {
  /** Further flags of tugd. */
  flags?: string[];
  /** Load the busybox image. On by default. */
  busybox?: boolean;
}

export class TestDaemon implements AsyncDisposable {
  readonly name = `tugt${Math.random().toString(16).slice(2, 8)}`;
  readonly dataRoot = `/var/tmp/${this.name}`;
  readonly execRoot = `/run/${this.name}`;
  readonly socket = `${this.execRoot}/tug.sock`;
  readonly host = `unix://${this.socket}`;
  readonly #flags: string[];
  #process: Bun.Subprocess | undefined;

  private constructor(flags: string[]) {
    this.#flags = flags;
  }

  static async start(options: DaemonOptions = {}): Promise<TestDaemon> {
    const daemon = new TestDaemon(options.flags ?? []);
    try {
      await daemon.up();
      if (options.busybox !== false) {
        await daemon.ok("docker", ["load", "-q", "-i", await makeBusyboxImage()]);
      }
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Everything the daemon wrote to its log since the beginning. */
  get log(): string {
    const path = join(this.dataRoot, "tugd.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Starts the daemon on its roots and waits until it answers. */
  async up(): Promise<void> {
    mkdirSync(this.dataRoot, { recursive: true });
    const log = Bun.file(join(this.dataRoot, "tugd.log"));
    const argv = [
      TUGD,
      `--host=${this.host}`,
      `--data-root=${this.dataRoot}`,
      `--exec-root=${this.execRoot}`,
      `--pidfile=${this.execRoot}/tugd.pid`,
      ...(this.#flags.some((flag) => flag.startsWith("--bridge")) ? [] : [`--bridge=${this.name}`]),
      ...this.#flags,
    ];
    this.#process = Bun.spawn(argv, { stdin: "ignore", stdout: log, stderr: log });
    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await this.#answers())) {
      if (this.#process.exitCode !== null) throw new Error(`the daemon ended:\n${this.log}`);
      if (Date.now() > deadline) throw new Error(`the daemon does not answer:\n${this.log}`);
      await Bun.sleep(10);
    }
  }

  /** Ends the daemon as a crash would. */
  async crash(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Ends the daemon politely; containers go on. */
  async down(): Promise<number> {
    this.#process?.kill("SIGTERM");
    const hung = setTimeout(() => this.#process?.kill("SIGKILL"), STOP_LIMIT_MS);
    const code = (await this.#process?.exited) ?? 0;
    clearTimeout(hung);
    return code;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Runs the real `docker` or our `tug` against this daemon. */
  async cli(
    program: "docker" | "tug",
    args: string[],
    options: { stdin?: string | Uint8Array; env?: Record<string, string> } = {},
  ): Promise<Output> {
    const path = program === "tug" ? join(ROOT, "dist/tug") : (process.env.TUG_TEST_DOCKER ?? "docker");
    const child = Bun.spawn([path, ...args], {
      env: { ...process.env, DOCKER_HOST: this.host, TUG_HOST: this.host, DOCKER_CONTEXT: "", ...options.env },
      stdin: options.stdin === undefined ? "ignore" : new Response(options.stdin as string),
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

  /** The same, but anything except exit code 0 is an error; gives stdout, trimmed. */
  async ok(
    program: "docker" | "tug",
    args: string[],
    options: { stdin?: string | Uint8Array; env?: Record<string, string> } = {},
  ): Promise<string> {
    const result = await this.cli(program, args, options);
    if (result.code !== 0) {
      throw new Error(
        `${program} ${args.join(" ")}: exit code ${result.code}\n${result.stderr}\n${this.log.slice(-2000)}`,
      );
    }
    return result.stdout.trim();
  }

  /** One API request. A body that is an object goes as JSON. */
  async api<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: T; text: string }> {
    const response = await fetch(`http://tug${path}`, {
      unix: this.socket,
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const text = await response.text();
    return { status: response.status, body: parseJson(text) as T, text };
  }

  /** Whether a process is one of this daemon's monitors: it holds a file below the daemon's roots open. */
  owns(pid: number): boolean {
    try {
      return readdirSync(`/proc/${pid}/fd`)
        .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
        .some((path) => path.startsWith(this.dataRoot) || path.startsWith(this.execRoot));
    } catch {
      return false;
    }
  }

  /** Removes all containers, ends the daemon and everything that bears its name. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process && this.#process.exitCode !== null) await this.up().catch(() => undefined);
    if (this.#process?.exitCode === null) {
      const ids = (await this.api<{ Id: string }[]>("GET", "/containers/json?all=1")).body.map(({ Id }) => Id);
      await Promise.all(ids.map((id) => this.api("DELETE", `/containers/${id}?force=1&v=1`)));
      await this.down();
    }
    await Bun.spawn(
      [TUGD, "--cleanup", `--bridge=${this.name}`, `--data-root=${this.dataRoot}`, `--exec-root=${this.execRoot}`],
      {
        stdout: "ignore",
        stderr: "ignore",
      },
    ).exited;
    rmSync(this.dataRoot, { recursive: true, force: true });
    rmSync(this.execRoot, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch("http://tug/_ping", { unix: this.socket })).ok;
    } catch {
      return false;
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
