/** What the API shows of networks; nothing here touches the host. */
import { expect, test } from "bun:test";
import { openDatabase } from "#lib/db";
import { createLogger } from "#lib/log";
import { networkMigrations } from "./migrations.ts";
import { createNetworks } from "./networks.ts";

function open(database = openDatabase(":memory:", networkMigrations), id = counter()) {
  return createNetworks({
    database,
    executor: { run: () => Promise.reject(new Error("no plan is run")) },
    config: { bridge: "", bip: "", mtu: 0 },
    now: () => new Date("2026-01-02T03:04:05Z"),
    log: createLogger({ level: "fatal", format: "text", now: () => new Date(0), write: () => undefined }),
    randomId: id,
  });
}

function counter(): () => string {
  let next = 0;
  return () => (++next).toString(16).padStart(64, "a");
}

test("list() has bridge, host and none with Docker's drivers and options", () => {
  const networks = open().list();
  expect(networks.map(({ name, driver }) => [name, driver])).toEqual([
    ["bridge", "bridge"],
    ["host", "host"],
    ["none", "null"],
  ]);
  expect(networks[0]).toMatchObject({
    createdAt: "2026-01-02T03:04:05.000Z",
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": "true",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
      "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
      "com.docker.network.bridge.name": "tug0",
      "com.docker.network.driver.mtu": "1500",
    },
  });
});

test("IDs stay the same over restarts", () => {
  const database = openDatabase(":memory:", networkMigrations);
  const before = open(database).list();
  expect(open(database, () => "b".repeat(64)).list()).toEqual(before);
});

test("get() takes an ID, a name or an unambiguous beginning of an ID", () => {
  const networks = open();
  const { id } = networks.get("host");
  expect(networks.get(id).name).toBe("host");
  expect(networks.get(id.slice(0, 64)).name).toBe("host");
  const distinct = open(openDatabase(":memory:", networkMigrations), distinctIds());
  expect(distinct.get("22").name).toBe("host");
});

test.each(["", "bridg", "zz", "b".repeat(64)])("get() does not find %p", (reference) => {
  expect(() => open().get(reference)).toThrow(`network ${reference} not found`);
});

test("get() refuses a beginning that several IDs have", () => {
  expect(() => open().get("aaaa")).toThrow("network aaaa is ambiguous (3 matches found based on ID prefix)");
});

test("attach() before reconcile() finds no bridge", async () => {
  const request = {
    containerID: "c",
    containerName: "web",
    ports: [],
    macAddress: "",
    interface: { name: "", sysctls: [] },
  };
  await expect(open().attach(request)).rejects.toThrow("network bridge not found");
});

function distinctIds(): () => string {
  let next = 0;
  return () => String(++next).repeat(64);
}
