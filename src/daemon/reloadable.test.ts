import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "#lib/log";
import { loadConfig } from "./config.ts";
import { reload, reloadableOf } from "./reloadable.ts";

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "tug-reload-"));
  const path = join(folder, "daemon.json");
  const write = (document: unknown) => writeFileSync(path, JSON.stringify(document));
  write({ labels: ["a=1"] });
  const argv = [`--config-file=${path}`];
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format: "text",
    now: () => new Date(0),
    write: (line) => lines.push(line),
  });
  const events: { action: string; attributes: Readonly<Record<string, string>> }[] = [];
  const state = {
    reloadable: reloadableOf(loadConfig(argv), { http: "http://proxy:3128", https: "", no: "" }),
    logger,
    events: { emit: (event: (typeof events)[number]) => void events.push(event) },
    engineID: "id",
  };
  return { argv, write, lines, events, state, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test("reload() takes labels, debug and log level over and says so", () => {
  using daemon = setUp();
  daemon.write({ labels: ["b=2"], debug: true });
  reload(daemon.argv, daemon.state);
  expect(daemon.state.reloadable).toMatchObject({ labels: ["b=2"], debug: true });
  expect(daemon.state.logger.level).toBe("debug");
  expect(daemon.events[0]).toMatchObject({ action: "reload", attributes: { debug: "true", labels: '["b=2"]' } });
});

test("reload() of a configuration that is wrong changes nothing", () => {
  using daemon = setUp();
  daemon.write({ nonsense: true });
  reload(daemon.argv, daemon.state);
  expect(daemon.state.reloadable.labels).toEqual(["a=1"]);
  expect(daemon.events).toEqual([]);
  expect(daemon.lines.join("")).toContain("configuration not reloaded");
});

test("reload() takes registries over, but not their proxies, and says so as dockerd does", () => {
  using daemon = setUp();
  const before = daemon.state.reloadable.registries;
  daemon.write({
    "registry-mirrors": ["https://mirror.test"],
    "insecure-registries": ["lab.test"],
    "max-concurrent-downloads": 0,
    proxies: { "http-proxy": "http://other:1" },
  });
  reload(daemon.argv, daemon.state);
  const { registries } = daemon.state.reloadable;
  expect(registries).not.toBe(before);
  expect(registries).toMatchObject({ mirrors: ["https://mirror.test/"], insecureRegistries: ["lab.test"] });
  expect(registries.proxies.http).toBe("http://proxy:3128");
  expect(daemon.events[0]?.attributes).toMatchObject({
    "registry-mirrors": '["https://mirror.test/"]',
    "insecure-registries": '["lab.test"]',
    "max-concurrent-downloads": "0",
    "max-concurrent-uploads": "5",
    "max-download-attempts": "5",
  });
});
