/**
 * For tests only: a small internet of network namespaces in this process.
 *
 *     outside 192.0.2.2 ── 192.0.2.1 host (tug's bridge) ── containers
 *
 * The thread is in `host` while the lab lives. Servers run in this process, clients in one of their own each, since the
 * namespace of a socket is that of the thread that makes it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { openDatabase } from "#lib/db";
import { createLogger } from "#lib/log";
import { addAddress, addRoute, createVeth, setLink } from "#lib/netlink";
import { directExecutor, Netns, runSection } from "./_testing.ts";
import { routeOp } from "./host.ts";
import { networkMigrations } from "./migrations.ts";
import type { AttachRequest, Endpoint, EndpointPlan } from "./network.ts";
import { createNetworks, type NetworksConfig, type OwnedNetworks } from "./networks.ts";

export const HOST_ADDRESS = "192.0.2.1";
export const OUTSIDE_ADDRESS = "192.0.2.2";
/** A busy kernel may take a while to bring a link up, and what is sent meanwhile is lost. */
const PATIENCE_MS = 10_000;
/** For answers that must not come. */
export const SILENCE_MS = 500;
const UDP_RETRY_MS = 50;
/** Interface indexes of the link between host and outside. */
export const UPLINK = { host: 900, outside: 901 };

export interface Container {
  readonly id: string;
  readonly netns: Netns;
  readonly pid: number;
  readonly endpoint: Endpoint;
  readonly plan: EndpointPlan;
}

export class Lab implements AsyncDisposable {
  readonly host = Netns.create();
  readonly outside = Netns.create();
  readonly database = openDatabase(":memory:", networkMigrations);
  /** What the networks logged. */
  readonly log: string[] = [];
  readonly #things = new AsyncDisposableStack();
  networks: OwnedNetworks;

  constructor(config: Partial<NetworksConfig> = {}) {
    this.#things.use(this.host);
    this.#things.use(this.outside);
    this.#things.use(this.host.enter());
    this.networks = this.openNetworks(config);
    this.#connectOutside();
  }

  /** A daemon's networks on the lab's database, as after its restart. */
  openNetworks(config: Partial<NetworksConfig> = {}): OwnedNetworks {
    const networks = createNetworks({
      database: this.database,
      executor: directExecutor,
      config: { bridge: "", bip: "", mtu: 0, ...config },
      now: () => new Date("2026-01-01T00:00:00Z"),
      log: createLogger({
        level: "debug",
        format: "text",
        now: () => new Date(0),
        write: (line) => this.log.push(line),
      }),
      randomId: () => randomBytes(32).toString("hex"),
    });
    this.#things.use(networks);
    return networks;
  }

  /** A process in a namespace of its own, attached to the default bridge. */
  async start(request: Partial<AttachRequest> = {}): Promise<Container> {
    const id = request.containerID ?? randomBytes(32).toString("hex");
    const { endpoint, plan } = await this.networks.attach({
      containerName: "web",
      ports: [],
      macAddress: "",
      interface: { name: "", sysctls: [] },
      ...request,
      containerID: id,
    });
    const netns = this.#things.use(Netns.create());
    const pid = this.#sleeper(netns);
    runSection(plan.beside, pid);
    netns.within(() => runSection(plan.inside, pid));
    return { id, netns, pid, endpoint, plan };
  }

  /** What the monitor and then the daemon do when a container has ended. */
  async stop(container: Container): Promise<void> {
    runSection(container.plan.after, 0);
    await this.networks.release(container.id);
  }

  /** Answers each connection with who it came from, and echoes what is sent before the end. */
  async serveTcp(netns: Netns, port: number, host = "0.0.0.0"): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.write(`tcp ${socket.remoteAddress} `);
      socket.pipe(socket);
      socket.on("error", () => socket.destroy());
    });
    using _inside = netns.enter();
    server.listen({ port, host });
    await once(server, "listening");
    this.#things.defer(() => void server.close());
  }

  /** Answers each datagram with who it came from and what it said; the result grows by the addresses it came from. */
  async serveUdp(netns: Netns, port: number, host = "0.0.0.0"): Promise<string[]> {
    const seen: string[] = [];
    const server = createSocket("udp4");
    server.on("message", (datagram, from) => {
      seen.push(from.address);
      server.send(`udp ${from.address} ${datagram}`, from.port, from.address);
    });
    // An answer that nobody takes is reported to the socket.
    server.on("error", () => undefined);
    using _inside = netns.enter();
    server.bind(port, host);
    await once(server, "listening");
    this.#things.defer(() => void server.close());
    return seen;
  }

  /** Says `hello` from a namespace (over UDP from an address of choice); the answer, or the system's error code, or `timeout`. */
  async ask(
    netns: Netns,
    protocol: "tcp" | "udp",
    host: string,
    port: number,
    { from = "", timeoutMs = PATIENCE_MS } = {},
  ): Promise<string> {
    const request = [protocol, host, String(port), String(timeoutMs), from];
    const client = netns.within(() =>
      spawn(process.execPath, ["-e", CLIENT, ...request], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    let answer = "";
    client.stdout.on("data", (chunk) => {
      answer += chunk;
    });
    await once(client, "close");
    return answer;
  }

  /** A client that keeps its port, as one that goes on to send does. */
  async udpClient(netns: Netns): Promise<Disposable & { ask(host: string, port: number): Promise<string> }> {
    const socket = createSocket("udp4");
    {
      using _inside = netns.enter();
      socket.bind(0);
      await once(socket, "listening");
    }
    return {
      async ask(host, port) {
        const answered = once(socket, "message", { signal: AbortSignal.timeout(PATIENCE_MS) });
        const repeat = setInterval(() => socket.send("hello", port, host), UDP_RETRY_MS);
        return await answered.then(([answer]) => String(answer)).finally(() => clearInterval(repeat));
      },
      [Symbol.dispose]: () => void socket.close(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#things.disposeAsync();
    this.database[Symbol.dispose]();
  }

  #connectOutside(): void {
    const pid = this.#sleeper(this.outside);
    const host = { name: "uplink", index: UPLINK.host };
    const outside = { name: "eth0", index: UPLINK.outside };
    runSection([routeOp("connect outside", [createVeth(host, outside), ...up(UPLINK.host, [192, 0, 2, 1])])], pid);
    this.outside.within(() => {
      const route = addRoute({ gateway: Uint8Array.of(192, 0, 2, 1), index: UPLINK.outside });
      runSection([routeOp("configure outside", [...up(UPLINK.outside, [192, 0, 2, 2]), route])], pid);
    });
  }

  /** A process in a namespace: its pid names the namespace for netlink. */
  #sleeper(netns: Netns): number {
    const sleeper: ChildProcess = netns.within(() => spawn("sleep", ["infinity"], { stdio: "ignore" }));
    this.#things.defer(async () => {
      const gone = once(sleeper, "close");
      sleeper.kill("SIGKILL");
      await gone;
    });
    if (sleeper.pid === undefined) throw new Error("sleep did not start");
    return sleeper.pid;
  }
}

function up(index: number, address: readonly [number, number, number, number]) {
  return [
    setLink({ index: 1 }, { up: true }),
    addAddress({ index, address: Uint8Array.from(address), prefixLength: 24 }),
    setLink({ index }, { up: true }),
  ];
}

const CLIENT = `
const [protocol, host, port, timeoutMs, from] = process.argv.slice(1);
const done = (answer) => { process.stdout.write(answer); process.exit(0); };
setTimeout(done, Number(timeoutMs), "timeout");
if (protocol === "tcp") {
  const socket = require("node:net").connect({ host, port: Number(port), allowHalfOpen: true });
  let answer = "";
  socket.on("connect", () => socket.end("hello"));
  socket.on("data", (chunk) => { answer += chunk; });
  socket.on("end", () => done(answer));
  socket.on("error", (error) => done(error.code));
} else {
  const socket = require("node:dgram").createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", (answer) => done(String(answer)));
  socket.on("error", (error) => done(error.code));
  socket.bind(0, from || undefined, () => setInterval(() => socket.send("hello", Number(port), host), ${UDP_RETRY_MS}));
}`;
