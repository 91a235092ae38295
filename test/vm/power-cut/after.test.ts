/** The machine is back after a power cut: whatever was acknowledged is true, and the service goes on by itself. */

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { docker, removeUnits, sh, until } from "../_guest.ts";

const STATE = "inspect -f '{{.State.Status}} {{.State.ExitCode}}'";

test("the service came up with the machine", async () => {
  await until("[ $(systemctl is-active tugd.service) = active ]");
  expect(await sh("systemctl show -P NRestarts tugd.service")).toBe("0");
});

test("the very last things that were acknowledged are there", async () => {
  expect(await docker(`${STATE} last`)).toBe("created 0");
  expect(await docker("image inspect -f '{{.Id}}' last:1")).toBe(await docker("image inspect -f '{{.Id}}' busybox"));
});

test("containers are as they were, or ended with the machine", async () => {
  expect(await docker(`${STATE} made`)).toBe("created 0");
  expect(await docker(`${STATE} ended`)).toBe("exited 3");
  expect(await docker("logs ended")).toBe("words");
  expect(await docker(`${STATE} once`)).toMatch(/^exited [1-9]/);
  expect(await docker("ps -a --format '{{.Names}}'")).not.toContain("gone");
});

test("a restart policy has brought its container back, confined and connected as before", async () => {
  await until("docker -H unix:///run/tug/tug.sock exec always true 2>/dev/null");
  expect(await docker("logs always")).toMatch(/started$/);
  expect(await docker("exec always cat /proc/1/attr/current")).toBe("tug-default (enforce)");
  expect(await docker("exec always ip -4 addr show eth0")).toContain("inet ");
});

test("everything can be used again", async () => {
  await docker("start once made");
  expect(await docker(`${STATE} once`)).toBe("running 0");
  expect(await docker("wait made")).toBe("0");
  expect(await docker("run --rm last:1 echo runs")).toBe("runs");
});

test("no database was harmed, and nothing is left but what is known", async () => {
  await docker("rm -f always once made ended last");
  await sh("systemctl stop tugd.socket tugd.service");
  for (const name of ["tug.db", "events.db"]) {
    using database = new Database(`/var/lib/tug/${name}`, { readonly: true });
    expect(database.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  }
  expect(await sh("find /var/lib/tug/containers /run/tug/tasks /sys/fs/cgroup/tug -mindepth 1 -type d")).toBe("");
  expect(await sh("ip -o link show type veth")).toBe("");
  await removeUnits();
});
