import { describe, expect, test } from "bun:test";
import { TestClock } from "../_test-clock.ts";
import type { AuditRecord } from "../access/audit.ts";
import type { Access, Peer } from "../registry.ts";
import { auditRecord } from "./audit-exchange.ts";
import type { Exchange } from "./exchange.ts";
import { createHandler, type HandlerOptions } from "./handler.ts";
import { createMetrics } from "./metrics.ts";
import { watchAccess } from "./watched-access.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const PEER = { address: "192.0.2.1" };

/** A registry that lets everybody in as alice and answers with what it was asked. */
function handler(options: Partial<HandlerOptions> = {}) {
  const clock = new TestClock();
  const alice: Access = { authorize: () => ({ principal: { name: "alice" } }) };
  const access = watchAccess(alice);
  const exchanges: Exchange[] = [];
  const handle = createHandler({
    registry: {
      fetch: async (request: Request, peer: Peer) => {
        await access.authorize(request, [], peer);
        clock.advance(250);
        return new Response("content", { headers: { "Content-Length": "7", "Docker-Content-Digest": DIGEST } });
      },
    },
    access,
    tokens: () => undefined,
    health: async () => ({}),
    metrics: async () => undefined,
    observers: [(exchange) => void exchanges.push(exchange)],
    clock,
    ...options,
  });
  const ask = (path: string, init: RequestInit = {}) => handle(new Request(`http://registry.test${path}`, init), PEER);
  return { ask, exchanges };
}

describe("createHandler()", () => {
  test.each([
    ["/v2/", "ping"],
    ["/v2/_catalog", "catalog"],
    ["/v2/a/b/manifests/latest", "manifest"],
    [`/v2/a/blobs/${DIGEST}?x=y`, "blob"],
    ["/v2/a/blobs/uploads/", "uploads"],
    ["/v2/a/blobs/uploads/id", "upload"],
    ["/v2/manifests/blobs/tags/list", "tags"],
    [`/v2/a/referrers/${DIGEST}`, "referrers"],
  ])("hands %s to the registry as %s", async (path, kind) => {
    const { ask, exchanges } = handler();
    expect(await (await ask(path)).text()).toBe("content");
    expect(exchanges).toEqual([
      expect.objectContaining({
        route: expect.objectContaining({ kind }),
        principal: { name: "alice" },
        seconds: 0.25,
      }),
    ]);
  });

  test.each(["/", "/v1/search", "/token", "/token/keys", "/metrics", "/healthz/x"])(
    "has nothing at %s",
    async (path) => {
      expect((await handler().ask(path)).status).toBe(404);
    },
  );

  test("asks the token service where there is one", async () => {
    const { ask } = handler({ tokens: async (request) => new Response(new URL(request.url).search) });
    expect(await (await ask("/token?service=x")).text()).toBe("?service=x");
  });

  test("tells whether the registry is well", async () => {
    const well = await handler().ask("/healthz");
    expect([well.status, await well.json()]).toEqual([200, { status: "ok" }]);
    const ill = await handler({ health: async () => ({ storage: "disk is full" }) }).ask("/healthz");
    expect([ill.status, await ill.json()]).toEqual([503, { status: "failing", faults: { storage: "disk is full" } }]);
  });

  test("shows metrics to those who may see them", async () => {
    const metrics = async ({ address }: Peer) =>
      address === PEER.address ? { text: "up 1\n", contentType: "text/plain; version=0.0.4" } : undefined;
    const response = await handler({ metrics }).ask("/metrics");
    expect([response.headers.get("Content-Type"), await response.text()]).toEqual([
      "text/plain; version=0.0.4",
      "up 1\n",
    ]);
  });
});

describe("auditRecord()", () => {
  async function recordOf(path: string, init: RequestInit = {}): Promise<AuditRecord | undefined> {
    const { ask, exchanges } = handler();
    await ask(path, init);
    return auditRecord(exchanges[0]!, new Date(0));
  }

  test("says who did what to which thing from where, and how it ended", async () => {
    const headers = { "User-Agent": "docker/28", Authorization: "Basic c2VjcmV0" };
    const record = await recordOf("/v2/team/app/manifests/v1?token=hidden", { headers });
    expect(record).toEqual({
      time: "1970-01-01T00:00:00.000Z",
      user: "alice",
      address: "192.0.2.1",
      action: "pull",
      method: "GET",
      path: "/v2/team/app/manifests/v1",
      repository: "team/app",
      reference: "v1",
      digest: DIGEST,
      status: 200,
      userAgent: "docker/28",
    });
  });

  test.each([
    ["PUT", "/v2/a/manifests/v1", "push"],
    ["POST", "/v2/a/blobs/uploads/", "push"],
    ["PATCH", "/v2/a/blobs/uploads/id", "push"],
    ["DELETE", "/v2/a/manifests/v1", "delete"],
    ["HEAD", `/v2/a/blobs/${DIGEST}`, "pull"],
    ["GET", "/v2/_catalog", "list"],
    ["GET", "/v2/a/tags/list", "list"],
    ["GET", "/v2/", "login"],
    ["POST", "/token", "login"],
    ["GET", "/favicon.ico", "other"],
  ])("calls %s %s a %s", async (method, path, action) => {
    expect((await recordOf(path, { method }))?.action).toBe(action);
  });

  test("leaves out health and metrics, and cuts what a client makes long", async () => {
    expect(await recordOf("/healthz")).toBeUndefined();
    expect(await recordOf("/metrics")).toBeUndefined();
    const long = await recordOf(`/v2/${"a".repeat(5000)}/manifests/v1`, {
      headers: { "User-Agent": "x".repeat(5000) },
    });
    expect(JSON.stringify(long).length).toBeLessThan(3000);
  });
});

describe("createMetrics()", () => {
  async function linesAfter(path: string, init: RequestInit = {}): Promise<string[]> {
    const metrics = createMetrics([
      {
        name: "tug_things",
        help: "Things",
        kind: "gauge",
        labelNames: ["kind"],
        read: () => [{ labels: { kind: "a" }, value: 3 }],
      },
      { name: "tug_events_total", help: "Events", kind: "counter", read: () => [{ value: 5 }] },
    ]);
    const { ask } = handler({ observers: [metrics.observe] });
    await ask(path, init);
    await metrics.render();
    const { text, contentType } = await metrics.render();
    expect(contentType).toContain("text/plain");
    return text.split("\n");
  }

  test("counts requests by route, method and code, and bytes both ways", async () => {
    const lines = await linesAfter("/v2/a/manifests/v1", { method: "PUT", headers: { "Content-Length": "11" } });
    expect(lines).toContain('tug_registry_http_requests_total{route="manifest",method="PUT",code="200"} 1');
    expect(lines).toContain('tug_registry_http_received_bytes_total{route="manifest"} 11');
    expect(lines).toContain('tug_registry_http_sent_bytes_total{route="manifest"} 7');
    expect(lines).toContain('tug_registry_http_request_duration_seconds_sum{route="manifest",method="PUT"} 0.25');
    expect(lines).toContain(
      'tug_registry_http_request_duration_seconds_bucket{le="0.25",route="manifest",method="PUT"} 1',
    );
  });

  test("counts no body for HEAD, and invents no series for what clients invent", async () => {
    const head = await linesAfter("/v2/a/manifests/v1", { method: "HEAD" });
    expect(head.filter((line) => line.startsWith("tug_registry_http_sent_bytes_total{"))).toEqual([]);
    const odd = await linesAfter("/made/up", { method: "OPTIONS" });
    expect(odd).toContain('tug_registry_http_requests_total{route="other",method="other",code="404"} 1');
  });

  test("reads what others count when somebody looks", async () => {
    const lines = await linesAfter("/v2/");
    expect(lines).toContain('tug_things{kind="a"} 3');
    expect(lines).toContain("tug_events_total 5");
    expect(lines).toContain("# TYPE tug_events_total counter");
  });
});
