import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, type X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { makeCertificates } from "#fixtures";
import { type Listener, type ListenOptions, listen, type TlsFiles } from "./listen.ts";
import { makeCertificate } from "./tls/make-certificate.ts";

let open: Listener[];
beforeEach(() => {
  open = [];
});
afterEach(() => Promise.all(open.map((listener) => listener.close(0))));

async function serve(options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen({
    hostname: "127.0.0.1",
    port: 0,
    mostRequests: 100,
    idleSeconds: 30,
    handle: async (_, peer) => new Response(`hello ${peer.address}`),
    report: () => undefined,
    ...options,
  });
  open.push(listener);
  return listener;
}

const ca = { ...generateKeyPairSync("ec", { namedCurve: "P-256" }), commonName: "test authority" };
const caPem = `${certify(ca.publicKey, undefined)}`;

function certify(publicKey: KeyObject, names: readonly string[] | undefined): X509Certificate {
  const validFrom = new Date(Date.now() - 60_000);
  const validTo = new Date(Date.now() + 3600_000);
  const serial = crypto.getRandomValues(new Uint8Array(16));
  return makeCertificate({
    commonName: "test authority",
    publicKey,
    issuer: ca,
    validFrom,
    validTo,
    serial,
    ...(names && { names }),
  });
}

function tlsFiles(...names: string[]): TlsFiles {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  return { certificate: `${certify(publicKey, ["127.0.0.1", ...names])}`, key };
}

/** The names in the certificate that a new connection is shown. */
function namesShown(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca: caPem }, () => {
      resolve(socket.getPeerCertificate().subjectaltname);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("listen()", () => {
  test("tells the handler who asks, also over IPv6's addresses for IPv4", async () => {
    const { port } = await serve();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("hello 127.0.0.1");
    const both = await serve({ hostname: "::" });
    expect(await (await fetch(`http://127.0.0.1:${both.port}/`)).text()).toBe("hello 127.0.0.1");
  });

  test("answers 500 when a handler throws, and reports it", async () => {
    const reported: unknown[] = [];
    const { port } = await serve({
      handle: () => Promise.reject(new Error("a bug")),
      report: (error) => void reported.push(error),
    });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.status, await response.json()]).toEqual([
      500,
      { errors: [{ code: "UNKNOWN", message: "unknown error" }] },
    ]);
    expect(reported).toEqual([expect.objectContaining({ message: "a bug" })]);
  });

  test("tells clients to come back when too many requests are at work", async () => {
    const gate = Promise.withResolvers<void>();
    const listener = await serve({
      mostRequests: 2,
      handle: async () => gate.promise.then(() => new Response("done")),
    });
    const ask = () => fetch(`http://127.0.0.1:${listener.port}/`);
    const working = [ask(), ask()];
    while (listener.requests < 2) await Bun.sleep(1);
    const refused = await ask();
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "1"]);
    gate.resolve();
    expect(await Promise.all(working.map(async (one) => (await one).status))).toEqual([200, 200]);
    expect((await ask()).status).toBe(200);
  });

  test("takes bodies of any size", async () => {
    const size = 200 * 1024 * 1024;
    const { port } = await serve({
      handle: async (request) => {
        let received = 0;
        for await (const chunk of request.body ?? []) received += chunk.byteLength;
        return new Response(String(received));
      },
    });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let sent = 0; sent < size; sent += 1 << 20) controller.enqueue(new Uint8Array(1 << 20));
        controller.close();
      },
    });
    expect(await (await fetch(`http://127.0.0.1:${port}/`, { method: "PUT", body })).text()).toBe(String(size));
  });

  test("refuses heads that are too large", async () => {
    const { port } = await serve();
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { "X-Long": "x".repeat(20_000) } });
    expect(response.status).toBe(431);
  });

  test("cuts a client that stops in the middle of a body", async () => {
    const failed = Promise.withResolvers<unknown>();
    const { port } = await serve({
      idleSeconds: 1,
      handle: async (request) => {
        await request.arrayBuffer().catch(failed.resolve);
        return new Response();
      },
    });
    const client = connect(port, "127.0.0.1");
    client.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
    expect(await failed.promise).toMatchObject({ name: "AbortError" });
    client.destroy();
  });

  test.each([
    ["plain", () => ({})],
    ["with TLS", () => ({ tls: tlsFiles() })],
  ])("refuses an address that is taken, %s", async (_, options) => {
    const { port } = await serve(options());
    await expect(serve({ port, ...options() })).rejects.toThrow(`listen on 127.0.0.1:${port}: address already in use`);
  });

  test("says what it cannot listen on", async () => {
    await expect(serve({ hostname: "192.0.2.1" })).rejects.toThrow("listen on 192.0.2.1:0: ");
    await expect(serve({ tls: { certificate: "none", key: "none" } })).rejects.toThrow("listen on 127.0.0.1:0: ");
  });
});

describe("Listener.close()", () => {
  test("lets requests at work end, and takes no new ones", async () => {
    const gate = Promise.withResolvers<void>();
    const listener = await serve({ handle: async () => gate.promise.then(() => new Response("done")) });
    const working = fetch(`http://127.0.0.1:${listener.port}/`);
    while (listener.requests < 1) await Bun.sleep(1);
    const closed = listener.close(60_000);
    await expect(fetch(`http://127.0.0.1:${listener.port}/`, { keepalive: false })).rejects.toThrow();
    gate.resolve();
    expect(await (await working).text()).toBe("done");
    await closed;
  });

  test("cuts what has not ended in time", async () => {
    const listener = await serve({ handle: () => new Promise(() => undefined) });
    const working = fetch(`http://127.0.0.1:${listener.port}/`);
    working.catch(() => undefined);
    while (listener.requests < 1) await Bun.sleep(1);
    await listener.close(50);
    await expect(working).rejects.toThrow();
  });

  test("ends at once while clients keep idle connections", async () => {
    const listener = await serve();
    await (await fetch(`http://127.0.0.1:${listener.port}/`)).text();
    await listener.close(60_000);
  });
});

describe("Listener.replaceTls()", () => {
  test("shows new connections the new certificate, and lets what is under way go on", async () => {
    const gate = Promise.withResolvers<void>();
    const listener = await serve({
      tls: tlsFiles("first.example"),
      handle: async () => gate.promise.then(() => new Response("done")),
    });
    const working = fetch(`https://127.0.0.1:${listener.port}/`, { tls: { ca: caPem } });
    while (listener.requests < 1) await Bun.sleep(1);
    expect(await namesShown(listener.port)).toContain("first.example");
    listener.replaceTls(tlsFiles("second.example"));
    expect(await namesShown(listener.port)).toContain("second.example");
    gate.resolve();
    expect(await (await working).text()).toBe("done");
  });

  test("keeps the old certificate when the new one is none", async () => {
    const listener = await serve({ tls: tlsFiles("first.example") });
    expect(() => listener.replaceTls({ certificate: "none", key: "none" })).toThrow();
    expect(await namesShown(listener.port)).toContain("first.example");
  });
});

test("a client authority lets in those whom it certified, and nobody else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tug-listen-"));
  try {
    const clients = makeCertificates(folder);
    const { port } = await serve({ tls: { ...tlsFiles(), clientAuthority: clients.ca } });
    const ask = (identity: object) => fetch(`https://127.0.0.1:${port}/`, { tls: { ca: caPem, ...identity } });
    expect((await ask({ cert: clients.clientCert, key: clients.clientKey })).status).toBe(200);
    await expect(ask({})).rejects.toThrow();
    const stranger = tlsFiles("stranger");
    await expect(ask({ cert: stranger.certificate, key: stranger.key })).rejects.toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
