/**
 * A port of the host that is held for a container. The daemon really listens there, so that the kernel itself refuses
 * the port to everybody else. What arrives over IPv4 is translated by the firewall before it gets here; what arrives
 * all the same (IPv6, which no rule can translate to a container with IPv4 alone) is relayed.
 *
 * The socket goes with the daemon and comes back with it (`reconcile`); published IPv4 ports do not need it to work.
 */
import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream";

/** Connections (or UDP peers) that one port relays at once; further ones are refused. */
const RELAY_LIMIT = 1024;
/** As long as conntrack remembers a UDP flow at least. */
const UDP_IDLE_MS = 90_000;

export interface HostAddress {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface ContainerAddress {
  readonly address: string;
  readonly port: number;
}

export interface HeldPort {
  readonly port: number;
  /** Resolves when the port is free again. */
  release(): Promise<void>;
}

/** Takes a port. @throws the system's error with its `code`: `EADDRINUSE`, `EADDRNOTAVAIL` … */
export function holdPort(host: HostAddress, target: ContainerAddress): Promise<HeldPort> {
  if (host.protocol === "tcp") return holdTcp(host, target);
  if (host.protocol === "udp") return holdUdp(host, target);
  // Node knows no SCTP sockets: only the firewall and our own records keep the port.
  return Promise.resolve({ port: host.port, release: () => Promise.resolve() });
}

async function holdTcp(host: HostAddress, target: ContainerAddress): Promise<HeldPort> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
    relayConnection(client, target);
  });
  server.maxConnections = RELAY_LIMIT;
  server.listen({ host: host.address, port: host.port, ipv6Only: true, exclusive: true });
  await listening(server);
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound ? bound.port : host.port,
    async release() {
      const closed = once(server, "close");
      server.close();
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}

/** Each direction ends by itself: a client may say all it has to and then read on. */
function relayConnection(client: Socket, target: ContainerAddress): void {
  const upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true });
  // A direction that fails takes both sockets with it; that is all there is to do about it.
  const broken = (error: Error | null | undefined) => {
    if (!error) return;
    client.destroy();
    upstream.destroy();
  };
  pipeline(client, upstream, broken);
  pipeline(upstream, client, broken);
}

async function holdUdp(host: HostAddress, target: ContainerAddress): Promise<HeldPort> {
  const ipv6 = host.address.includes(":");
  const server = createSocket({ type: ipv6 ? "udp6" : "udp4", ipv6Only: ipv6 });
  const peers = new UdpPeers(server, target);
  server.bind({ address: host.address, port: host.port, exclusive: true });
  await listening(server);
  server.on("message", (datagram, from) => peers.forward(datagram, from));
  return {
    port: server.address().port,
    async release() {
      peers.close();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** One socket towards the container for each peer outside, so that answers find their way back. */
class UdpPeers {
  readonly #peers = new Map<string, { socket: DatagramSocket; idle: NodeJS.Timeout }>();
  readonly #server: DatagramSocket;
  readonly #target: ContainerAddress;

  constructor(server: DatagramSocket, target: ContainerAddress) {
    this.#server = server;
    this.#target = target;
  }

  forward(datagram: Uint8Array, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const peer = this.#peers.get(key) ?? this.#open(key, from);
    if (!peer) return;
    peer.idle.refresh();
    peer.socket.send(datagram, this.#target.port, this.#target.address);
  }

  close(): void {
    for (const key of [...this.#peers.keys()]) this.#drop(key);
  }

  #open(key: string, from: RemoteInfo) {
    if (this.#peers.size >= RELAY_LIMIT) return undefined;
    const socket = createSocket("udp4");
    socket.on("message", (answer) => this.#server.send(answer, from.port, from.address));
    // The container does not listen (any more): UDP promises nothing.
    socket.on("error", () => this.#drop(key));
    const idle = setTimeout(() => this.#drop(key), UDP_IDLE_MS);
    idle.unref();
    const peer = { socket, idle };
    this.#peers.set(key, peer);
    return peer;
  }

  #drop(key: string): void {
    const peer = this.#peers.get(key);
    if (!peer) return;
    this.#peers.delete(key);
    clearTimeout(peer.idle);
    peer.socket.close();
  }
}

async function listening(socket: Server | DatagramSocket): Promise<void> {
  await once(socket, "listening");
  // Later errors (no descriptors left to accept with) leave the port held.
  socket.on("error", () => undefined);
}
