import { expect, test } from "bun:test";
import { parseEndpoint } from "./endpoint.ts";

test.each([
  ["unix:///run/tug.sock", { kind: "unix", host: "unix:///run/tug.sock", path: "/run/tug.sock" }],
  ["/run/tug.sock", { kind: "unix", host: "unix:///run/tug.sock", path: "/run/tug.sock" }],
  ["tcp://10.0.0.1:1234", { kind: "tcp", host: "tcp://10.0.0.1:1234", hostname: "10.0.0.1", port: 1234 }],
  ["tcp://host", { kind: "tcp", host: "tcp://host:2375", hostname: "host", port: 2375 }],
  ["tcp://[::1]:5", { kind: "tcp", host: "tcp://[::1]:5", hostname: "::1", port: 5 }],
  ["host:99", { kind: "tcp", host: "tcp://host:99", hostname: "host", port: 99 }],
  ["http://host:99/", { kind: "tcp", host: "tcp://host:99", hostname: "host", port: 99 }],
  [":99", { kind: "tcp", host: "tcp://localhost:99", hostname: "localhost", port: 99 }],
])("parseEndpoint() reads %s", (text, endpoint) => {
  expect<unknown>(parseEndpoint(text)).toEqual(endpoint);
});

test("parseEndpoint() takes the TLS port and checks the server when https is asked for", () => {
  expect<unknown>(parseEndpoint("https://host")).toMatchObject({ port: 2376, tls: { verify: true } });
  expect<unknown>(parseEndpoint("tcp://host", { verify: false })).toMatchObject({ port: 2376, tls: { verify: false } });
});

test.each(["foo://x", "unix://", "tcp://a:b", "tcp://host:99999", "tcp://[::1", "ssh://host", "tcp://a b"])(
  "parseEndpoint() refuses %s",
  (text) => {
    expect(() => parseEndpoint(text)).toThrow(`invalid bind address format: ${text}`);
  },
);
