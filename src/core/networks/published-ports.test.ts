import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { EngineError } from "#lib/errors";
import { addAddress, setLink } from "#lib/netlink";
import { directExecutor, Netns } from "./_testing.ts";
import { routeOp } from "./host.ts";
import type { PortRequest } from "./network.ts";
import { PublishedPorts } from "./published-ports.ts";

/** A second address of the loopback stands for the container. */
const CONTAINER = "127.9.9.9";

let things: AsyncDisposableStack;
let ports: PublishedPorts;

beforeEach(async () => {
  things = new AsyncDisposableStack();
  things.use(things.use(Netns.create()).enter());
  const address = addAddress({ index: 1, address: Uint8Array.of(192, 0, 2, 7), prefixLength: 32 });
  await directExecutor.run([routeOp("set up loopback", [setLink({ index: 1 }, { up: true }), address])]);
  ports = new PublishedPorts();
  things.defer(() => ports.close());
});
afterEach(async () => {
  await things.disposeAsync();
});

function request(hostPort: number, more: Partial<PortRequest> = {}): PortRequest {
  return {
    protocol: "tcp",
    containerPort: 80,
    hostAddress: "",
    hostPortFirst: hostPort,
    hostPortLast: hostPort,
    ...more,
  };
}

async function publish(id: string, ...requests: PortRequest[]): Promise<string[]> {
  const bound = await ports.publish(id, requests, CONTAINER);
  return bound.map(({ hostAddress, hostPort, protocol }) => `${hostAddress} ${hostPort}/${protocol}`);
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`expected an EngineError, got ${error}`);
  return `${error.kind}: ${error.message}`;
}

async function listen(host: string, port: number, serve = (_: Socket): void => undefined): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, serve).listen({ host, port });
  await once(server, "listening");
  things.defer(() => void server.close());
  return server;
}

describe("PublishedPorts takes", () => {
  test("a port on all addresses of both families, or on the one asked for", async () => {
    expect(await publish("a", request(8080))).toEqual(["0.0.0.0 8080/tcp", ":: 8080/tcp"]);
    expect(await publish("b", request(8081, { hostAddress: "0.0.0.0" }))).toEqual(["0.0.0.0 8081/tcp"]);
    expect(await publish("c", request(8081, { hostAddress: "::" }))).toEqual([":: 8081/tcp"]);
    expect(await publish("d", request(8082, { hostAddress: "192.0.2.7" }))).toEqual(["192.0.2.7 8082/tcp"]);
  });

  test("one port for each protocol and each address", async () => {
    await publish("a", request(8080), request(8080, { protocol: "udp" }), request(8080, { protocol: "sctp" }));
    await publish("b", request(8081, { hostAddress: "127.0.0.1" }), request(8081, { hostAddress: "192.0.2.7" }));
  });

  test("the first free port of a range", async () => {
    const range = request(8080, { hostPortLast: 8082 });
    await listen("127.0.0.1", 8081);
    expect((await publish("a", range))[0]).toBe("0.0.0.0 8080/tcp");
    expect((await publish("b", range))[0]).toBe("0.0.0.0 8082/tcp");
    expect(await refusal(publish("c", range))).toBe("conflict: all ports are allocated");
  });

  test("any free port, the same one for both families", async () => {
    const any = request(0);
    const [first, second] = await ports.publish("a", [any], CONTAINER);
    expect(first?.hostPort).toBeGreaterThan(1023);
    expect(second?.hostPort).toBe(first?.hostPort ?? 0);
    const [udp] = await ports.publish("b", [request(0, { protocol: "udp" })], CONTAINER);
    expect(udp?.hostPort).toBeGreaterThan(1023);
    expect(await publish("c", request(0, { protocol: "sctp" }))).toEqual(["0.0.0.0 32768/sctp", ":: 32768/sctp"]);
    expect((await publish("d", request(0, { protocol: "sctp" })))[0]).toBe("0.0.0.0 32769/sctp");
  });

  test("IPv4 alone where there is no IPv6", async () => {
    writeFileSync("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    const bound = await publish("a", request(8080));
    expect(bound[0]).toBe("0.0.0.0 8080/tcp");
    expect(await refusal(publish("b", request(8081, { hostAddress: "::1" })))).toBe(
      "failed-precondition: failed to bind host port for [::1]:8081:127.9.9.9:80/tcp: cannot assign requested address",
    );
  });
});

describe("PublishedPorts refuses", () => {
  test.each([
    ["the same address", "127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["all addresses", "", "127.0.0.1", "0.0.0.0"],
    ["one of all addresses", "127.0.0.1", "", "127.0.0.1"],
    ["all IPv6 addresses", "", "::1", "::"],
  ])("a port that another container has on %s", async (_, theirs, ours, where) => {
    for (const protocol of ["tcp", "udp", "sctp"] as const) {
      await publish(`a-${protocol}`, request(8080, { protocol, hostAddress: theirs }));
      expect(await refusal(publish("b", request(8080, { protocol, hostAddress: ours })))).toBe(
        `conflict: Bind for ${where}:8080 failed: port is already allocated`,
      );
    }
  });

  test("a port that a process of the host has", async () => {
    await listen("0.0.0.0", 8080);
    expect(await refusal(publish("a", request(8080)))).toBe(
      "conflict: failed to bind host port for 0.0.0.0:8080:127.9.9.9:80/tcp: address already in use",
    );
    const socket = createSocket("udp4").bind(8081, "127.0.0.1");
    await once(socket, "listening");
    things.defer(() => void socket.close());
    expect(await refusal(publish("a", request(8081, { protocol: "udp" })))).toBe(
      "conflict: failed to bind host port for 0.0.0.0:8081:127.9.9.9:80/udp: address already in use",
    );
  });

  test("an address that is not the host's, or none at all", async () => {
    expect(await refusal(publish("a", request(8080, { hostAddress: "203.0.113.1" })))).toBe(
      "failed-precondition: failed to bind host port for 203.0.113.1:8080:127.9.9.9:80/tcp: cannot assign requested address",
    );
    expect(await refusal(publish("a", request(8080, { hostAddress: "999.0.0.1" })))).toBe(
      'invalid-parameter: invalid host address "999.0.0.1"',
    );
  });

  test("all ports of a container when one cannot be had, and keeps none", async () => {
    await listen("0.0.0.0", 8082);
    await refusal(publish("a", request(8080), request(8081, { protocol: "udp" }), request(8082)));
    await publish("b", request(8080), request(8081, { protocol: "udp" }));
  });

  test("IPv4 too when only IPv6 is taken", async () => {
    await listen("::1", 8080);
    expect(await refusal(publish("a", request(8080)))).toContain("[::]:8080");
    await listen("0.0.0.0", 8080);
  });
});

describe("a held port", () => {
  test("cannot be taken by anybody else, and is free again after its release", async () => {
    await publish("a", request(8080));
    const taken = createServer().listen({ host: "127.0.0.1", port: 8080 });
    const [error] = await once(taken, "error");
    expect(error.code).toBe("EADDRINUSE");
    await ports.release("a");
    await ports.release("a");
    await listen("127.0.0.1", 8080);
  });

  test("is taken again by resume(), as far as it is free", async () => {
    const bound = await ports.publish("a", [request(8080), request(8081)], CONTAINER);
    await ports.release("a");
    await listen("127.0.0.1", 8081);
    expect(await refusal(ports.resume("a", bound, CONTAINER))).toContain("address already in use");
    expect(await refusal(publish("b", request(8080)))).toContain("port is already allocated");
  });

  test("relays a connection each direction by itself", async () => {
    await listen(CONTAINER, 80, (socket) => {
      let heard = "";
      socket.on("data", (chunk) => {
        heard += chunk;
      });
      // Answers only when the client has said all.
      socket.on("end", () => socket.end(`heard ${heard}`));
    });
    await publish("a", request(8080));
    const client = connectTcp({ host: "::1", port: 8080, allowHalfOpen: true });
    client.end("all of it");
    let answer = "";
    client.on("data", (chunk) => {
      answer += chunk;
    });
    await once(client, "end");
    expect(answer).toBe("heard all of it");
  });

  test("hangs up when the container does not listen, and drops clients at its release", async () => {
    await publish("a", request(8080));
    const refused = connectTcp({ host: "::1", port: 8080 }).on("error", () => undefined);
    await once(refused, "close");
    const accepted = Promise.withResolvers<Socket>();
    await listen(CONTAINER, 80, accepted.resolve);
    const client = connectTcp({ host: "::1", port: 8080 }).on("error", () => undefined);
    (await accepted.promise).on("error", () => undefined);
    await ports.release("a");
    await once(client, "close");
  });

  test("relays the datagrams of several peers, each to its own", async () => {
    const server = createSocket("udp4", (datagram, from) => server.send(`re: ${datagram}`, from.port, from.address));
    server.bind(53, CONTAINER);
    await once(server, "listening");
    things.defer(() => void server.close());
    await publish("a", request(8080, { protocol: "udp", containerPort: 53 }));
    const answers = ["one", "two"].map(async (word) => {
      const client = createSocket("udp6");
      client.send(word, 8080, "::1");
      const [answer] = await once(client, "message");
      client.close();
      return String(answer);
    });
    expect(await Promise.all(answers)).toEqual(["re: one", "re: two"]);
  });
});
