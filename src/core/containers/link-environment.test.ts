import { expect, test } from "bun:test";
import type { ContainerConfig } from "#api/engine";
import type { Container } from "./container.ts";
import { linkEnvironment } from "./link-environment.ts";

function environment(config: ContainerConfig, alias = "db"): string[] {
  const container = { config, endpoint: { address: "172.17.0.5" } } as unknown as Container;
  return linkEnvironment(`/web/${alias}`, { alias, container });
}

function exposing(...ports: string[]): ContainerConfig {
  return { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) };
}

test("linkEnvironment() tells name and variables, but for what an image sets for itself", () => {
  const config = { Env: ["PATH=/bin", "HOME=/", "USER=me", "EMPTY=", "BARE", "URL=a=b"] };
  expect(environment(config)).toEqual(["DB_NAME=/web/db", "DB_ENV_USER=me", "DB_ENV_EMPTY=", "DB_ENV_URL=a=b"]);
});

test("linkEnvironment() writes the alias as a shell's name", () => {
  expect(environment({}, "my-db.x")).toEqual(["MY_DB.X_NAME=/web/my-db.x"]);
});

test("linkEnvironment() tells each port, and the first of TCP as the port", () => {
  expect(environment(exposing("53/udp", "443/tcp", "80"))).toEqual([
    "DB_PORT=tcp://172.17.0.5:80",
    "DB_PORT_80_TCP=tcp://172.17.0.5:80",
    "DB_PORT_80_TCP_ADDR=172.17.0.5",
    "DB_PORT_80_TCP_PORT=80",
    "DB_PORT_80_TCP_PROTO=tcp",
    "DB_PORT_443_TCP=tcp://172.17.0.5:443",
    "DB_PORT_443_TCP_ADDR=172.17.0.5",
    "DB_PORT_443_TCP_PORT=443",
    "DB_PORT_443_TCP_PROTO=tcp",
    "DB_PORT_53_UDP=udp://172.17.0.5:53",
    "DB_PORT_53_UDP_ADDR=172.17.0.5",
    "DB_PORT_53_UDP_PORT=53",
    "DB_PORT_53_UDP_PROTO=udp",
    "DB_NAME=/web/db",
  ]);
});

test("linkEnvironment() tells of three ports in a row where they begin and end", () => {
  const runs = environment(exposing("82/tcp", "80/tcp", "81/tcp", "90/tcp", "91/tcp", "83/udp")).filter((entry) =>
    /START|END/.test(entry),
  );
  expect(runs).toEqual([
    "DB_PORT_80_TCP_START=tcp://172.17.0.5:80",
    "DB_PORT_80_TCP_PORT_START=80",
    "DB_PORT_80_TCP_END=tcp://172.17.0.5:82",
    "DB_PORT_80_TCP_PORT_END=82",
  ]);
});
