import { describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import type { HostConfig } from "#api/engine";
import { FakeEngine } from "./_fakes.ts";
import type { CreateRequest } from "./containers.ts";

async function engineWithDatabase(): Promise<FakeEngine> {
  const engine = new FakeEngine();
  await started(engine, "db", { config: { Env: ["USER=me"], ExposedPorts: { "5432/tcp": {} } } });
  return engine;
}

async function started(engine: FakeEngine, name: string, more?: Partial<CreateRequest>): Promise<string> {
  await engine.run(name, more);
  return engine.containers.get(name).id;
}

describe("links", () => {
  test.each<[HostConfig, string]>([
    [{ Links: [""] }, "empty string specified for links"],
    [{ Links: ["a:b:c"] }, "bad format for links: a:b:c"],
    [{ Links: ["nope:x"] }, "could not get container for nope: No such container: nope"],
    [{ Links: ["nope"] }, "could not get container for nope: No such container: nope"],
    [{ Links: [":x"] }, 'could not get container for : invalid name or ID supplied: ""'],
    [
      { Links: ["db"], NetworkMode: "host" },
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    ],
    [
      { Links: ["db"], NetworkMode: "container:db" },
      "conflicting options: container type network can't be used with links. This would result in undefined behavior",
    ],
    [
      { Links: ["onhost"] },
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    ],
  ])("are refused: %j", async (hostConfig, message) => {
    await using engine = await engineWithDatabase();
    await engine.create("onhost", { hostConfig: { NetworkMode: "host" } });
    await expect(engine.create("web", { hostConfig })).rejects.toThrow(message);
  });

  test("show as Docker's, and follow renames of both ends", async () => {
    await using engine = await engineWithDatabase();
    await engine.create("web", { hostConfig: { Links: ["db:store", "/db:/web/other", "db", "db:"] } });
    const { id } = engine.containers.get("web");
    expect(engine.containers.links(id)).toEqual(["/db:/web/store", "/db:/web/other", "/db:/web/db"]);
    await engine.containers.rename("db", "postgres");
    await engine.containers.rename("web", "site");
    expect(engine.containers.links(id)[0]).toBe("/postgres:/site/store");
    await engine.containers.remove("postgres", { force: true, volumes: false, link: false });
    expect(engine.containers.links(id)).toEqual([]);
  });

  test("keep the first of two with one alias", async () => {
    await using engine = await engineWithDatabase();
    await engine.create("other");
    const id = await engine.create("web", { hostConfig: { Links: ["db:store", "other:store"] } });
    expect(engine.containers.links(id as never)).toEqual(["/db:/web/store"]);
  });

  test("lead to whoever owns the network that the named one joined", async () => {
    await using engine = await engineWithDatabase();
    await engine.create("helper", { hostConfig: { NetworkMode: "container:db" } });
    const id = await engine.create("web", { hostConfig: { Links: ["helper:store"] } });
    expect(engine.containers.links(id as never)).toEqual(["/db:/web/store"]);
  });

  test("are further names of the linked container", async () => {
    await using engine = await engineWithDatabase();
    await engine.create("web", { hostConfig: { Links: ["db:store"] } });
    const { id } = engine.containers.get("db");
    expect(engine.containers.get("web/store").id).toBe(id);
    expect(engine.containers.namesByLinks()).toEqual(new Map([[id, ["/web/store"]]]));
    expect(() => engine.containers.get("web/nope")).toThrow("No such container: web/nope");
    expect(() => engine.containers.get("web/store/x")).toThrow("No such container: web/store/x");
  });

  test("are removed by their name, the containers stay", async () => {
    await using engine = await engineWithDatabase();
    const id = await engine.create("web", { hostConfig: { Links: ["db:store"] } });
    const link = { force: false, volumes: false, link: true };
    const remove = (name: string) => engine.containers.remove(name, link);
    await expect(remove("web")).rejects.toThrow("Conflict, cannot remove the default link name of the container");
    await expect(remove("nope")).rejects.toThrow("No such container: nope");
    await expect(remove("nope/store")).rejects.toThrow("No such container: nope/store");
    await expect(remove("web/nope")).rejects.toThrow("No such container: web/nope");
    await remove("/web/store");
    expect(engine.containers.links(id as never)).toEqual([]);
    await expect(remove("web/store")).rejects.toThrow("No such container: web/store");
    expect(engine.containers.get("db").name).toBe("db");
  });

  test("put the linked container into files and environment at the start", async () => {
    await using engine = await engineWithDatabase();
    const id = await started(engine, "web", { hostConfig: { Links: ["db:store", "db"] } });
    const db = engine.containers.get("db");
    const hosts = await readFile(engine.layout.files(id as never).hosts, "utf8");
    expect(hosts).toContain(`172.17.0.2\tstore ${db.id.slice(0, 12)} db\n172.17.0.2\tdb ${db.id.slice(0, 12)}\n`);
    const spec = await readFile(engine.layout.task(id as never).spec, "utf8");
    expect(JSON.parse(spec).process.env).toContain("STORE_PORT_5432_TCP_ADDR=172.17.0.2");
    expect(JSON.parse(spec).process.env).toContain("STORE_NAME=/web/store");
  });

  test("need containers that run on the bridge", async () => {
    await using engine = new FakeEngine();
    await engine.create("db");
    await engine.create("web", { hostConfig: { Links: ["db:store"] } });
    await expect(engine.containers.start("web")).rejects.toThrow(
      "Cannot link to a non running container: /db AS /web/store",
    );
    const id = await started(engine, "alone", { hostConfig: { NetworkMode: "none" } });
    await engine.create("site", { hostConfig: { Links: ["alone"] } });
    await expect(engine.containers.start("site")).rejects.toThrow(
      `container ${id} not attached to default bridge network`,
    );
  });

  test("mean nothing beside other networks", async () => {
    await using engine = await engineWithDatabase();
    const id = await started(engine, "web", { hostConfig: { Links: ["db"], NetworkMode: "none" } });
    expect(await readFile(engine.layout.files(id as never).hosts, "utf8")).not.toContain("db");
  });

  test("lead to the new address when the linked container starts again, and leave the rest of the file alone", async () => {
    await using engine = await engineWithDatabase();
    const database = engine.executor.last;
    const id = await started(engine, "web", { hostConfig: { Links: ["db:store"] } });
    const { hosts } = engine.layout.files(id as never);
    const text = await readFile(hosts, "utf8");
    await writeFile(hosts, `${text.replace("172.17.0.2\tstore", "172.17.0.77\tstore")}10.0.0.1\tmine store\n`);
    const { outcome } = await engine.containers.wait("db", "next-exit");
    database.exit(0);
    await outcome;
    await engine.containers.start("db");
    expect(await readFile(hosts, "utf8")).toBe(`${text}10.0.0.1\tmine store\n`);
  });
});
