/** Containers of another OCI runtime under our monitor, with runc. Needs root and runc. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Client, EVERYTHING, Lab, type LabProcess } from "./_lab.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A bundle and the commands that run it; the config is what `runc spec` proposes, changed by `change`. */
function bundle(
  args: readonly string[],
  { terminal = false, change = {} as Record<string, unknown> } = {},
): LabProcess & { id: string } {
  const id = `tug-test-${crypto.randomUUID()}`;
  const folder = lab.path(id);
  mkdirSync(folder);
  cpSync(lab.lower, `${folder}/rootfs`, { recursive: true, verbatimSymlinks: true });
  Bun.spawnSync(["runc", "spec"], { cwd: folder });
  const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
  config.process = { ...config.process, args, terminal, env: ["PATH=/bin"] };
  config.root.readonly = false;
  delete config.linux.resources;
  writeFileSync(`${folder}/config.json`, JSON.stringify({ ...config, ...change }));
  const command = ["runc", "--root", lab.path("runc"), "--log", `${folder}/log`, "--log-format", "json"];
  const console = terminal ? ["--console-socket", `${folder}/console`] : [];
  const runtime = {
    create: [...command, "create", "--bundle", folder, "--pid-file", `${folder}/pid`, ...console, id],
    start: [...command, "start", id],
    remove: [...command, "delete", "--force", id],
    pidFile: `${folder}/pid`,
    consoleSocket: terminal ? `${folder}/console` : "",
    logFile: `${folder}/log`,
  };
  return { id, argv: [], stdio: { tty: terminal, stdin: true, stdinOnce: true }, spec: { runtime } };
}

const left = () => (existsSync(lab.path("runc")) ? readdirSync(lab.path("runc")) : []);

test("a container of runc runs with our stdio, log and exit record", async () => {
  const { spec, ...process } = bundle(["sh", "-c", "cat; echo err >&2; exit 5"]);
  const log = { path: lab.path("runc.log"), maxBytes: 0, maxFiles: 1, attributes: "" };
  const ended = await lab.run({ ...process, spec: { ...spec!, log } }, "input\n");
  expect(ended).toMatchObject({ exitCode: 5, stdout: "input\n", stderr: "err\n" });
  expect(readFileSync(log.path, "utf8")).toContain('{"log":"input\\n","stream":"stdout",');
  expect(left()).toEqual([]);
});

test("its terminal comes through the console socket", async () => {
  const { spec, ...process } = bundle(["sh", "-c", "stty size; echo done"], { terminal: true });
  const ended = await lab.run({ ...process, stdio: { tty: true, stdin: true, width: 77, height: 11 }, spec: spec! });
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(ended.stdout.replaceAll("\r", "")).toBe("11 77\ndone\n");
});

test("signals reach it, and how it ended is known", async () => {
  const process = bundle(["sh", "-c", "echo ready; sleep 1000"]);
  const { monitor } = await lab.start({ ...process, spec: { ...process.spec!, awaitAttach: 1 } });
  const client = new Client(await monitor.attach(EVERYTHING));
  await client.saw("ready");
  await monitor.signal(9);
  expect(await monitor.exited).toMatchObject({ exitCode: 137, signal: 9 });
  await client.ended;
  expect(left()).toEqual([]);
});

test("a failed create says what the runtime's log says, as JSON or not", async () => {
  const { monitor } = await lab.start(bundle(["sh"], { change: { hostname: 5 } }));
  await expect(monitor.started).rejects.toThrow("cannot unmarshal number");
  expect(await monitor.exited).toMatchObject({ exitCode: 128 });
  expect(left()).toEqual([]);
});

test("a program that does not exist fails the start", async () => {
  const { monitor } = await lab.start(bundle(["nonesuch"]));
  await expect(monitor.started).rejects.toThrow('exec: "nonesuch": executable file not found in $PATH');
  await monitor.exited;
  expect(left()).toEqual([]);
});

test("a runtime that is not there fails the start", async () => {
  const process = bundle(["true"]);
  const runtime = { ...process.spec!.runtime!, create: ["/no/such/runtime"], logFile: "", remove: [] };
  const { monitor } = await lab.start({ ...process, spec: { runtime } });
  await expect(monitor.started).rejects.toThrow("the runtime failed to create");
});

test("the network ops of inside act in the runtime's namespace, between create and start", async () => {
  // RTM_SETLINK: loopback up.
  const message = Buffer.alloc(32);
  message.writeUInt32LE(32, 0);
  message.writeUInt16LE(19, 4);
  message.writeUInt16LE(1 | 4, 6);
  message.writeUInt32LE(1, 8);
  message.writeInt32LE(1, 20);
  message.writeUInt32LE(1, 24);
  message.writeUInt32LE(1, 28);
  const { spec, ...process } = bundle(["cat", "/sys/class/net/lo/flags"]);
  const up = { op: "netlink", protocol: 0, messages: message, childPidAt: [], ignore: [], what: "raise lo" } as const;
  const ended = await lab.run({ ...process, plan: { inside: [up] }, spec: spec! });
  expect(ended.stdout).toBe("0x9\n");
});
