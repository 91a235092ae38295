import { join } from "node:path";
import { build } from "./build.ts";
import { PRIVATE, requireHost, startPrivateDaemon } from "./daemon.ts";
import { ROOT, run } from "./shell.ts";

const HOST = `unix://${PRIVATE.socket}`;

/** From a fresh checkout to a running container. */
export async function demo(): Promise<void> {
  requireHost();
  await build();
  await startPrivateDaemon();
  await show("A container from the built-in image:", ["run", "--rm", "tug/hello"]);
  await show("A second one, with a memory limit, tells what it sees of the machine:", [
    "run",
    "--rm",
    "--hostname=moby-dick",
    "--memory=64m",
    "tug/hello",
    "facts",
  ]);
  console.log(`What to try next:

  export DOCKER_HOST=${HOST} PATH=${join(ROOT, "dist")}:$PATH
  tug run --rm tug/hello            the same again
  tug plan tug/hello                what the kernel is asked to do for it
  tug run -d --name=sleeper tug/hello sleep 600
  tug ps                            docker ps works as well: it is the same API
  tug exec sleeper /hello facts
  tug rm -f sleeper
  docker load -i IMAGE.tar          your own images, from docker save or an OCI layout
  tug --help

The daemon goes on in the background; ${"`"}kill $(cat /run/tug-dev/tugd.pid)${"`"} stops it and leaves
containers running, ./dev clean removes everything that it has made.`);
}

async function show(title: string, args: string[]): Promise<void> {
  console.log(`\n${title}\n\n  $ tug ${args.join(" ")}\n`);
  await run([join(ROOT, "dist/tug"), "--host", HOST, ...args]);
}
