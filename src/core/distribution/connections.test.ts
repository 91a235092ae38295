import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faults, makeCertificates, startFaultRegistry, type TestCertificates } from "#fixtures";
import { makeClient, NEVER, tag } from "./_testing.ts";

const MANIFEST = { schemaVersion: 2, config: {}, layers: [] };
let folder = "";
let certificates: TestCertificates;
let others: TestCertificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-connections-"));
  certificates = make("ours", ["IP:127.0.0.1", "DNS:localhost"]);
  others = make("others", ["DNS:elsewhere.test"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function make(name: string, names: string[]): TestCertificates {
  mkdirSync(join(folder, name));
  return makeCertificates(join(folder, name), names);
}

/** Loopback is insecure, whatever one does; a name that does not say that it is loopback is not. */
function secureName(host: string): string {
  return host.replace("127.0.0.1", "localhost");
}

async function tlsRegistry(options: { clientCertificates?: boolean; tls?: TestCertificates } = {}) {
  const registry = await startFaultRegistry({ tls: certificates, ...options });
  registry.addManifest("a", "v1", MANIFEST);
  return registry;
}

describe("a registry on loopback", () => {
  test("is asked by https first, then by http", async () => {
    await using registry = await startFaultRegistry();
    registry.addManifest("a", "v1", MANIFEST);
    await makeClient().repository(registry.host, "a").resolve(tag("v1"), NEVER);
    expect(registry.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v2/",
      "HEAD /v2/a/manifests/v1",
    ]);
  });

  test("may have any certificate", async () => {
    await using registry = await tlsRegistry({ tls: others });
    await makeClient().repository(registry.host, "a").resolve(tag("v1"), NEVER);
  });

  test("that nobody serves is told of by its last address", async () => {
    const failure = makeClient().repository("127.0.0.1:1", "a").resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toMatchObject({
      kind: "unavailable",
      message: 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });
});

describe("a registry that has to be secure", () => {
  test("is not spoken to by http", async () => {
    await using registry = await startFaultRegistry();
    const host = secureName(registry.host);
    const failure = makeClient().repository(host, "a").resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow(`Get "https://${host}/v2/": http: server gave HTTP response to HTTPS client`);
  });

  test("may be called insecure by its name, its network or its rule", async () => {
    await using registry = await startFaultRegistry();
    registry.addManifest("a", "v1", MANIFEST);
    const host = secureName(registry.host);
    const resolveHost = async () => ["192.0.2.7"];
    const rules = new Map([[host, { mirrors: [], rewrite: [], insecure: true }]]);
    for (const settings of [{ insecureRegistries: [host] }, { insecureRegistries: ["192.0.2.0/24"] }, { rules }]) {
      await makeClient(settings, { resolveHost }).repository(host, "a").resolve(tag("v1"), NEVER);
    }
  });

  test("needs a certificate of an authority that is trusted: the system's, or one in certs.d", async () => {
    await using registry = await tlsRegistry();
    const host = secureName(registry.host);
    const unknown = makeClient().repository(host, "a").resolve(tag("v1"), NEVER);
    await expect(unknown).rejects.toThrow(
      `Get "https://${host}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
    await makeClient({}, { systemAuthorities: () => certificates.ca })
      .repository(host, "a")
      .resolve(tag("v1"), NEVER);
    mkdirSync(join(folder, "certs.d", host), { recursive: true });
    writeFileSync(join(folder, "certs.d", host, "ca.crt"), certificates.ca);
    const certificateFolders = [join(folder, "certs.d")];
    await makeClient({}, { certificateFolders }).repository(host, "a").resolve(tag("v1"), NEVER);
  });

  test("needs a certificate of its own name", async () => {
    await using registry = await tlsRegistry({ tls: others });
    const host = secureName(registry.host);
    const failure = makeClient({}, { systemAuthorities: () => others.ca })
      .repository(host, "a")
      .resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow("x509: certificate is not valid for localhost");
  });

  test("is shown the client certificate of certs.d", async () => {
    await using registry = await tlsRegistry({ clientCertificates: true });
    const host = secureName(registry.host);
    const systemAuthorities = () => certificates.ca;
    const nameless = makeClient({}, { systemAuthorities }).repository(host, "a").resolve(tag("v1"), NEVER);
    await expect(nameless).rejects.toThrow(`Get "https://${host}/v2/": `);
    const certs = join(folder, "mutual", host);
    mkdirSync(certs, { recursive: true });
    writeFileSync(join(certs, "client.cert"), certificates.clientCert);
    writeFileSync(join(certs, "client.key"), certificates.clientKey);
    const client = makeClient({}, { systemAuthorities, certificateFolders: [join(folder, "mutual")] });
    await client.repository(host, "a").resolve(tag("v1"), NEVER);
  });

  test("does not send us, or our password, on to http", async () => {
    await using plain = await startFaultRegistry({ scheme: "bearer" });
    await using registry = await tlsRegistry();
    const host = secureName(registry.host);
    const client = makeClient({}, { systemAuthorities: () => certificates.ca });
    const credentials = { username: "ann", password: "secret" };
    registry.fault(/manifests/, faults.status(307, { Location: `${plain.url}/v2/a/manifests/v1` }), 1);
    await expect(client.repository(host, "a").resolve(tag("v1"), NEVER)).rejects.toThrow(
      "redirected from https to http",
    );
    registry.fault(/v2/, faults.status(401, { "WWW-Authenticate": `Bearer realm="${plain.url}/token"` }));
    const failure = client.repository(host, "a", { credentials }).resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow("credentials would be sent without encryption");
    expect(plain.requests).toEqual([]);
  });
});

describe("connections", () => {
  test("are remembered, until settings change or time has passed", async () => {
    await using registry = await startFaultRegistry();
    registry.addManifest("a", "v1", MANIFEST);
    const client = makeClient();
    const read = () => client.repository(registry.host, "a").resolve(tag("v1"), NEVER);
    const pings = () => registry.requests.filter(({ path }) => path === "/v2/").length;
    await read();
    await read();
    expect(pings()).toBe(1);
    client.settings = { ...client.settings };
    await read();
    expect(pings()).toBe(2);
    client.clock.advance(5 * 60_000);
    await read();
    expect(pings()).toBe(3);
  });

  test("are used for one request after the other", async () => {
    await using registry = await startFaultRegistry();
    registry.addManifest("a", "v1", MANIFEST);
    const ports = new Set<number | undefined>();
    registry.fault(/./, (request) => {
      ports.add(request.socket.remotePort);
      return false;
    });
    const repository = makeClient().repository(registry.host, "a");
    for (let round = 0; round < 5; round += 1) {
      await repository.resolve(tag("v1"), NEVER);
      await repository.manifest(tag("v1"), NEVER);
      await repository.manifest(tag("v2"), NEVER).catch(() => undefined);
    }
    expect([...ports]).toEqual([expect.any(Number)]);
  });

  test("to a host that says nothing end after a while", async () => {
    const accepted = Promise.withResolvers<void>();
    const server: Server = createServer(() => accepted.resolve());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const client = makeClient({ maxDownloadAttempts: 1 });
    const failure = client.repository(`localhost:${port}`, "a").resolve(tag("v1"), NEVER);
    const caught = failure.catch((error: Error) => error);
    await accepted.promise;
    client.clock.reachLimits();
    expect((await caught) as Error).toMatchObject({
      kind: "unavailable",
      message: `Get "https://localhost:${port}/v2/": context deadline exceeded (nothing came for 15 s)`,
    });
    expect(client.clock.running).toBe(0);
    server.close();
  });

  test("that are cancelled are closed, and say so", async () => {
    await using registry = await startFaultRegistry();
    const controller = new AbortController();
    registry.fault(/manifests/, () => {
      controller.abort();
      return true;
    });
    const client = makeClient();
    const failure = client.repository(registry.host, "a").resolve(tag("v1"), controller.signal);
    await expect(failure).rejects.toMatchObject({ kind: "canceled", message: "context canceled" });
    expect(client.clock.running).toBe(0);
  });

  test("go through the proxy for their scheme, with its name and password", async () => {
    await using proxy = await startFaultRegistry();
    proxy.addManifest("a", "v1", MANIFEST);
    const http = proxy.url.replace("//", "//user:word@");
    const host = "registry.test:5000";
    const client = makeClient({ insecureRegistries: [host], proxies: { http, https: "", no: "" } });
    // https fails, as there is no such host; http goes to the proxy, which is a registry itself.
    await client.repository(host, "a").resolve(tag("v1"), NEVER);
    expect(proxy.requests[0]).toMatchObject({
      method: "GET",
      headers: { host, "proxy-authorization": `Basic ${btoa("user:word")}` },
    });
    expect(proxy.requests[0]?.path).toEndWith("/v2/");
  });
});
