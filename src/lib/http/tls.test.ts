import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { makeCertificates } from "#fixtures";
import { request, TestClient } from "./_testing.ts";
import { HttpServer } from "./server.ts";

let folder = "";
const pem = (name: string) => readFileSync(join(folder, name), "utf8");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-tls-"));
  makeCertificates(folder, ["IP:127.0.0.1"]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function listen(options: { verify: boolean }): Promise<{ server: HttpServer; port: number }> {
  const server = new HttpServer({
    handler: async () => ({
      status: 200,
      headers: {},
      hijack: (stream) =>
        new Promise((resolve) => {
          stream.on("data", (chunk) => stream.write(`<${chunk}>`));
          stream.on("end", () => stream.end("bye", () => resolve()));
          stream.on("close", resolve);
        }),
    }),
    now: () => new Date(),
    onError: () => undefined,
  });
  const tls = { certificate: pem("server.pem"), key: pem("server.key"), ...(options.verify && { ca: pem("ca.pem") }) };
  return { server, port: await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0, tls }) };
}

function client(port: number, identity: { cert?: string; key?: string }): TestClient {
  const options = { host: "127.0.0.1", port, ca: pem("ca.pem"), allowHalfOpen: true, ...identity };
  return new TestClient(connect(options), request("POST /"));
}

test("HttpServer speaks TLS, half-closed streams included", async () => {
  const { server, port } = await listen({ verify: false });
  await using _ = server;
  const plain = client(port, {});
  await plain.until("\r\n\r\n");
  plain.socket.end("in");
  expect(await plain.end()).toEndWith("<in>bye");
});

test("HttpServer with a CA serves only clients that show its certificate", async () => {
  const { server, port } = await listen({ verify: true });
  await using _ = server;
  expect(await client(port, {}).end()).toBe("");
  const known = client(port, { cert: pem("client.pem"), key: pem("client.key") });
  expect(await known.until("\r\n\r\n")).toStartWith("HTTP/1.1 200 OK");
  known.socket.destroy();
});
