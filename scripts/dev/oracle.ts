/**
 * The real Docker Engine that tug is compared with and measured beside: the one whose socket TUG_TEST_ORACLE names, else one
 * that the peer tool keeps (TUG_PEER, or ../shared/tools/peer beside this checkout). The tool knows `build`, `up` (which
 * prints DOCKER_HOST=unix://…), `inside`, `exec` and `down`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fail, output, ROOT, run } from "./shell.ts";

interface Oracle extends AsyncDisposable {
  readonly socket: string;
}

/** Gives a running one; undefined where there is none, unless it is `wanted`: then it is built. It is stopped afterwards if it was started here. */
export async function startOracle({ wanted }: { wanted: boolean }): Promise<Oracle | undefined> {
  const given = process.env.TUG_TEST_ORACLE;
  if (given) return { socket: given, [Symbol.asyncDispose]: async () => undefined };
  const peer = process.env.TUG_PEER ?? join(ROOT, "../shared/tools/peer");
  const tool = (...args: string[]) => ["bash", peer, ...args];
  if (!existsSync(peer)) {
    if (!wanted) return undefined;
    fail("a real Docker Engine is needed: set TUG_TEST_ORACLE to its socket, or TUG_PEER to the tool that keeps one");
  }
  if (output(tool("exec", "true")) === undefined) {
    if (!wanted) return undefined;
    await run(tool("build"));
  }
  const wasUp = output(tool("inside", "true")) !== undefined;
  const socket = /^DOCKER_HOST=unix:\/\/(.+)$/m.exec(output(tool("up")) ?? "")?.[1];
  if (!socket || !(await answers(socket))) {
    if (!wanted) return undefined;
    fail(`"${peer} up" started no engine that answers`);
  }
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      if (!wasUp) await run(tool("down"));
    },
  };
}

async function answers(socket: string): Promise<boolean> {
  try {
    return (await fetch("http://docker/_ping", { unix: socket })).ok;
  } catch {
    return false;
  }
}
