import { isIP } from "node:net";
import { KeyedLock } from "#lib/async";
import { EngineError } from "#lib/errors";
import { type HeldPort, holdPort } from "./host-port.ts";
import type { PortBound, PortRequest } from "./network.ts";

const ANY_IPV4 = "0.0.0.0";
const ANY_IPV6 = "::";
/** How often a free port is asked for that IPv4 and IPv6 both have, before giving up. */
const ANY_PORT_TRIES = 16;
/** Nobody can be asked for a free SCTP port: the kernel's default range of ephemeral ports is gone through. */
const SCTP_PORTS = { first: 32768, last: 60999 };
/** What a kernel without IPv6, or with IPv6 switched off, says. */
const NO_IPV6 = ["EAFNOSUPPORT", "EADDRNOTAVAIL"];
/** As Go, and so Docker, words the system's errors. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
  EAFNOSUPPORT: "address family not supported by protocol",
};

interface Held {
  readonly bound: PortBound;
  readonly port: HeldPort;
}

/** The ports of the host that containers hold now, by container ID. */
export class PublishedPorts {
  readonly #held = new Map<string, Held[]>();
  /** One container at a time, so that a port is never asked for between being looked up and being held. */
  readonly #turns = new KeyedLock();

  /**
   * Takes all the ports that a container asked for, or none.
   * @throws EngineError `conflict` when one is taken, `failed-precondition` when it cannot be had, in Docker's words
   */
  publish(containerID: string, requests: readonly PortRequest[], containerAddress: string): Promise<PortBound[]> {
    return this.#turns.run("", async () => {
      const held: Held[] = [];
      this.#held.set(containerID, held);
      try {
        for (const request of requests) held.push(...(await this.#publishOne(request, containerAddress)));
      } catch (error) {
        await this.release(containerID);
        throw error;
      }
      return held.map(({ bound }) => bound);
    });
  }

  /** Takes ports again that a container has had all along. @throws as `publish`, for the first one that is not free; the others are held */
  resume(containerID: string, ports: readonly PortBound[], containerAddress: string): Promise<void> {
    return this.#turns.run("", async () => {
      const results = await Promise.allSettled(ports.map((bound) => this.#hold(bound, containerAddress)));
      this.#held.set(
        containerID,
        results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
      );
      for (const result of results) if (result.status === "rejected") throw result.reason;
    });
  }

  /** Absence is fine. */
  async release(containerID: string): Promise<void> {
    const held = this.#held.get(containerID) ?? [];
    this.#held.delete(containerID);
    await releaseAll(held);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((containerID) => this.release(containerID)));
  }

  /** Goes through the ports that would do until one is free on every address that was asked for. */
  async #publishOne(request: PortRequest, containerAddress: string): Promise<Held[]> {
    const candidates = this.#candidates(request);
    let reason: unknown;
    for (const hostPort of candidates) {
      try {
        return await this.#holdEverywhere(request, hostPort, containerAddress);
      } catch (error) {
        if (!(error instanceof EngineError && error.kind === "conflict")) throw error;
        reason = error;
      }
    }
    throw candidates.length === 1 ? reason : new EngineError("conflict", "all ports are allocated");
  }

  #candidates({ protocol, hostPortFirst, hostPortLast }: PortRequest): number[] {
    if (hostPortFirst !== 0) return numbers(hostPortFirst, hostPortLast);
    return protocol === "sctp" ? numbers(SCTP_PORTS.first, SCTP_PORTS.last) : Array<number>(ANY_PORT_TRIES).fill(0);
  }

  async #holdEverywhere(request: PortRequest, hostPort: number, containerAddress: string): Promise<Held[]> {
    const { protocol, containerPort } = request;
    const held: Held[] = [];
    try {
      for (const hostAddress of hostAddresses(request)) {
        const bound = { protocol, containerPort, hostAddress, hostPort: held[0]?.bound.hostPort ?? hostPort };
        const optional = request.hostAddress === "" && hostAddress === ANY_IPV6;
        const port = await this.#hold(bound, containerAddress).catch((error) => unlessWithoutIPv6(error, optional));
        if (port) held.push(port);
      }
      return held;
    } catch (error) {
      await releaseAll(held);
      throw error;
    }
  }

  async #hold(bound: PortBound, containerAddress: string): Promise<Held> {
    const { protocol, hostAddress, hostPort, containerPort } = bound;
    const holder = this.#holderOf(bound);
    if (holder) {
      const where = `${holder.hostAddress}:${hostPort}`;
      throw new EngineError("conflict", `Bind for ${where} failed: port is already allocated`);
    }
    try {
      const host = { protocol, address: hostAddress, port: hostPort };
      const port = await holdPort(host, { address: containerAddress, port: containerPort });
      return { bound: { ...bound, hostPort: port.port }, port };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      const host = hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress;
      throw new EngineError(
        code === "EADDRINUSE" ? "conflict" : "failed-precondition",
        `failed to bind host port for ${host}:${hostPort}:${containerAddress}:${containerPort}/${protocol}: ` +
          (SYSTEM_WORDS[code] ?? String(error)),
        { cause: error, data: { code } },
      );
    }
  }

  /** Another container's port that stands in the way: the same one, on the same address or on all addresses of the family. */
  #holderOf({ protocol, hostAddress, hostPort }: PortBound): PortBound | undefined {
    const any = hostAddress.includes(":") ? ANY_IPV6 : ANY_IPV4;
    return [...this.#held.values()]
      .flat()
      .map(({ bound }) => bound)
      .filter((bound) => bound.protocol === protocol && bound.hostPort === hostPort)
      .find(
        (bound) =>
          bound.hostAddress === hostAddress ||
          bound.hostAddress === any ||
          (hostAddress === any && isIP(bound.hostAddress) === isIP(any)),
      );
  }
}

function hostAddresses({ hostAddress }: PortRequest): string[] {
  if (hostAddress === "") return [ANY_IPV4, ANY_IPV6];
  if (isIP(hostAddress) === 0) throw new EngineError("invalid-parameter", `invalid host address "${hostAddress}"`);
  return [hostAddress];
}

function unlessWithoutIPv6(error: unknown, optional: boolean): undefined {
  const code = error instanceof EngineError ? String(error.data.code) : "";
  if (optional && NO_IPV6.includes(code)) return undefined;
  throw error;
}

async function releaseAll(held: readonly Held[]): Promise<void> {
  await Promise.all(held.map(({ port }) => port.release()));
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(1, last - first + 1) }, (_, index) => first + index);
}
