import { expect, test } from "bun:test";
import { startTestEngine } from "./_test-engine.ts";
import { fixtureAnswer } from "./_test-fixtures.ts";
import { testIo } from "./_test-io.ts";
import type { CommandNode } from "./command.ts";
import { commandTree } from "./commands/tree.ts";
import { runCli } from "./run-cli.ts";

async function tug(argv: readonly string[], env: Record<string, string> = {}) {
  const io = testIo({ env });
  const exit = await runCli(argv, io);
  return { exit, ...io.written };
}

test("tug without a command shows what there is", async () => {
  const { exit, stdout } = await tug([]);
  expect(exit).toBe(0);
  expect(stdout).toStartWith(
    "Usage:  tug [OPTIONS] COMMAND\n\nA container engine that speaks Docker's API\n\nCommon Commands:\n  run ",
  );
  expect(stdout).toContain("\nManagement Commands:\n  container   Manage containers\n");
  expect(stdout).not.toContain("__complete");
  expect(await tug(["help"])).toEqual({ exit, stdout, stderr: "" });
});

test("tug suggests the command that was meant", async () => {
  const { exit, stderr } = await tug(["container", "inspcet"]);
  expect(exit).toBe(1);
  expect(stderr).toBe(`tug: unknown command: tug container inspcet

Did you mean 'tug container inspect'?

Usage:  tug container

Run 'tug container --help' for more information
`);
});

test("tug suggests the flag that was meant", async () => {
  const { exit, stderr } = await tug(["ps", "--no-trnc"]);
  expect(exit).toBe(125);
  expect(stderr).toStartWith("unknown flag: --no-trnc\n\nDid you mean '--no-trunc'?\n\nUsage:  tug ps [OPTIONS]\n");
});

test("tug COMMAND --help and tug help COMMAND are the same, with all ways to write the command", async () => {
  const { exit, stdout } = await tug(["rm", "--help"]);
  expect(exit).toBe(0);
  expect(stdout).toBe(`Usage:  tug rm [OPTIONS] CONTAINER [CONTAINER...]

Remove one or more containers

Aliases:
  tug container rm, tug container remove, tug rm

Options:
  -f, --force     Force the removal of a running container (uses SIGKILL)
  -l, --link      Remove the specified link
  -v, --volumes   Remove anonymous volumes associated with the container
`);
  expect((await tug(["help", "rm"])).stdout).toBe(stdout);
  expect((await tug(["rm", "-h"])).stdout).toBe(stdout);
});

test("every command loads, has a summary, and no two flags with one letter", async () => {
  for (const leaf of leaves(commandTree.children)) {
    const command = await leaf.load();
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
    const letters = Object.values(command.flags).flatMap(({ short }) => (short === undefined ? [] : [short]));
    expect(letters).toEqual([...new Set(letters)]);
  }
});

function leaves(nodes: readonly CommandNode[]): Extract<CommandNode, { kind: "command" }>[] {
  return nodes.flatMap((node) => (node.kind === "command" ? [node] : leaves(node.children)));
}

test("tug says what to do when no engine listens", async () => {
  const { exit, stderr } = await tug(["-H", "unix:///nonexistent/tug.sock", "ps"]);
  expect(exit).toBe(1);
  expect(stderr).toBe("Cannot connect to the tug daemon at unix:///nonexistent/tug.sock. Is the tug daemon running?\n");
  const run = await tug(["run", "x"], { TUG_HOST: "unix:///nonexistent/tug.sock" });
  expect(run.exit).toBe(125);
  expect(run.stderr).toEndWith("\n\nRun 'tug run --help' for more information\n");
});

test("tug version asks one question, and tells what it knows even without an answer", async () => {
  const answer = { Version: "1.0", ApiVersion: "1.44", Components: [] };
  using engine = startTestEngine(() => Response.json(answer, { headers: { "Api-Version": "1.44" } }));
  const { exit, stdout } = await tug(["version"], { TUG_HOST: engine.host });
  expect(exit).toBe(0);
  expect(engine.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /version"]);
  expect(stdout).toContain(" API version:       1.44 (downgraded from 1.51)\n");
  const alone = await tug(["version"], { TUG_HOST: "unix:///nonexistent/tug.sock" });
  expect(alone).toMatchObject({ exit: 1, stdout: expect.stringContaining("Version:           0.0.0-test") });
});

test("tug info prints the engine's state in Docker's order", async () => {
  using engine = startTestEngine(fixtureAnswer(0));
  const { exit, stdout } = await tug(["info"], { TUG_HOST: engine.host });
  expect(exit).toBe(0);
  expect(stdout).toStartWith(
    "Client:\n Version:    0.0.0-test\n Context:    default\n Debug Mode: false\n\nServer:\n Containers: 2\n",
  );
  expect(stdout).toContain(" Security Options:\n  seccomp\n   Profile: builtin\n  cgroupns\n Kernel Version: 6.12.0\n");
});

test("tug events prints a line an event, attributes in order", async () => {
  const event = { Type: "container", Action: "die", Actor: { ID: "abc", Attributes: { name: "x", image: "b" } } };
  const line = JSON.stringify({ ...event, time: 1, timeNano: 1_000_000_005 });
  using engine = startTestEngine(() => new Response(`${line}\n`));
  const { stdout } = await tug(["events", "--filter", "type=container", "--since", "0"], { TUG_HOST: engine.host });
  expect(stdout).toBe("1970-01-01T00:00:01.000000005Z container die abc (image=b, name=x)\n");
  expect(decodeURIComponent(engine.requests[0]!.path)).toBe('/events?since=0&filters={"type":{"container":true}}');
});

test("tug system prune asks first, and does nothing without a yes", async () => {
  using engine = startTestEngine(() => Response.json({ ImagesDeleted: null, SpaceReclaimed: 0 }));
  const { exit, stdout } = await tug(["system", "prune"], { TUG_HOST: engine.host });
  expect(exit).toBe(0);
  expect(stdout).toEndWith("  - all dangling images\n\nAre you sure you want to continue? [y/N] ");
  expect(engine.requests).toEqual([]);
  expect((await tug(["system", "prune", "-f"], { TUG_HOST: engine.host })).stdout).toBe("Total reclaimed space: 0B\n");
  expect(engine.requests.map(({ path }) => path.split("?")[0])).toEqual([
    "/containers/prune",
    "/networks/prune",
    "/images/prune",
  ]);
});

test("tug run pulls an image that is missing and tries again", async () => {
  let creates = 0;
  using engine = startTestEngine(({ path }) => {
    if (path.startsWith("/images/create")) return new Response('{"status":"Pulled","id":"1"}\n');
    if (path.includes("/start")) return new Response(null, { status: 204 });
    if (++creates === 1) {
      const headers = { "Content-Type": "application/json" };
      return new Response('{"message":"No such image: box:latest"}', { status: 404, headers });
    }
    return Response.json({ Id: "0123", Warnings: ["no swap"] }, { status: 201 });
  });
  const { exit, stdout, stderr } = await tug(["run", "-d", "--name", "n", "box"], { TUG_HOST: engine.host });
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: "0123\n" });
  expect(stderr).toBe("Unable to find image 'box:latest' locally\n1: Pulled\nWARNING: no swap\n");
  expect(engine.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /containers/create?name=n",
    "POST /images/create?fromImage=box&tag=latest",
    "POST /containers/create?name=n",
    "POST /containers/0123/start",
  ]);
});

test("tug run --pull never does not", async () => {
  const headers = { "Content-Type": "application/json" };
  const missing = () => new Response('{"message":"No such image: box:latest"}', { status: 404, headers });
  using engine = startTestEngine(missing);
  const { exit, stderr } = await tug(["run", "--pull", "never", "box"], { TUG_HOST: engine.host });
  expect(exit).toBe(125);
  expect(stderr).toStartWith("tug: Error response from daemon: No such image: box:latest\n");
  expect(engine.requests.length).toBe(1);
});

test("tug stop does what it can, and tells the rest", async () => {
  using engine = startTestEngine(({ path }) => {
    if (!path.includes("/bad/")) return new Response(null, { status: 204 });
    const headers = { "Content-Type": "application/json" };
    return new Response('{"message":"No such container: bad"}', { status: 404, headers });
  });
  const { exit, stdout, stderr } = await tug(["stop", "-t", "3", "a", "bad", "b"], { TUG_HOST: engine.host });
  expect({ exit, stdout, stderr }).toEqual({
    exit: 1,
    stdout: "a\nb\n",
    stderr: "Error response from daemon: No such container: bad\n",
  });
  expect(engine.requests[0]!.path).toBe("/containers/a/stop?t=3");
});
