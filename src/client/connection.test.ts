import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "node:tls";
import { isKind } from "#lib/errors";
import { connect } from "./connection.ts";
import { parseEndpoint, type TlsMaterial } from "./endpoint.ts";

const pem = (name: string) => readFileSync(join(import.meta.dir, "golden/tls", `${name}.pem`), "utf8");
const ca = pem("ca");
const client = { cert: pem("client"), key: pem("client-key") };

/** Echoes, and says goodbye when its client has ended. It talks only to clients with a certificate of its authority. */
const server = createServer(
  { ca, cert: pem("server"), key: pem("server-key"), requestCert: true, rejectUnauthorized: true },
  (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("end", () => socket.end("bye"));
  },
);
server.on("tlsClientError", () => undefined);
const port = await new Promise<number>((resolve) => {
  server.listen(0, "0.0.0.0", () => resolve((server.address() as { port: number }).port));
});
afterAll(() => void server.close());

async function exchange(host: string, tls: TlsMaterial): Promise<string> {
  using connection = await connect(parseEndpoint(`tcp://${host}:${port}`, tls));
  await connection.write(Buffer.from("hello "));
  let text = Buffer.from((await connection.read()) ?? "").toString();
  connection.closeWrite();
  for (let bytes = await connection.read(); bytes !== undefined; bytes = await connection.read()) {
    text += Buffer.from(bytes).toString();
  }
  return text;
}

test("connect() shows its certificate, checks the server's, and ends its direction alone", async () => {
  expect(await exchange("127.0.0.1", { verify: true, ca, ...client })).toBe("hello bye");
  expect(await exchange("localhost", { verify: true, ca, ...client })).toBe("hello bye");
});

test("connect() takes any server when it was told not to check it", async () => {
  expect(await exchange("127.0.0.1", { verify: false, ...client })).toBe("hello bye");
});

test("connect() refuses a server of another authority, and one of another name", async () => {
  const strange = await exchange("127.0.0.1", { verify: true, ...client }).catch((error: unknown) => error);
  expect(isKind(strange, "unavailable") && strange.data.connecting).toBe(true);
  const misnamed = await exchange("127.0.0.2", { verify: true, ca, ...client }).catch((error: unknown) => error);
  expect(isKind(misnamed, "unavailable") && misnamed.data.connecting).toBe(true);
});

test("connect() without a certificate ends in an error, not in silence", async () => {
  await expect(exchange("127.0.0.1", { verify: true, ca })).rejects.toThrow("the connection to the engine broke");
});
