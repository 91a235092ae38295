/** What containers change, under each of the three storage drivers: a diff, an export, a commit, a copy are the same. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { tar } from "#fixtures";
import { readTar } from "#lib/tar";
import { TestDaemon } from "./_daemon.ts";

const DRIVERS = ["erofs", "overlay", "vfs"] as const;
const daemons = new Map<string, TestDaemon>();
beforeAll(async () => {
  for (const driver of DRIVERS) daemons.set(driver, await TestDaemon.start({ flags: [`--storage-driver=${driver}`] }));
});
afterAll(() => Promise.all([...daemons.values()].map((daemon) => daemon[Symbol.asyncDispose]())));

const SCRIPT = [
  "mkdir -p /a/b; echo x > /a/b/f; ln /a/b/f /a/g; ln -s f /a/b/l; mkfifo /a/p; mknod /a/c c 1 3",
  "echo more >> /etc/passwd; chmod 600 /etc/group; rm /bin/yes; rm -r /home/test; rm -r /var; mkdir /var; echo y > /var/new",
  "rm -r /usr/bin; ln -s /x /usr/bin; mv /root /moved; mkdir -p /tmp/t; rmdir /tmp/t",
].join("; ");

async function describeExport(daemon: TestDaemon, container: string): Promise<string[]> {
  const response = await fetch(`http://tug/containers/${container}/export`, { unix: daemon.socket });
  const lines: string[] = [];
  for await (const { entry, body } of readTar(response.body as unknown as AsyncIterable<Uint8Array>)) {
    let text = "";
    for await (const piece of body) text += entry.size < 200 ? Buffer.from(piece).toString() : "";
    lines.push(
      `${entry.name} ${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.linkName} ${text}`,
    );
  }
  return lines;
}

async function story(daemon: TestDaemon): Promise<unknown> {
  const ok = (...args: string[]) => daemon.ok("docker", args);
  await ok("run", "--net=none", "--name=told", "busybox", "sh", "-c", SCRIPT);
  const put = tar([{ name: "put/f", data: "put", uid: 5 }]);
  await daemon.ok("docker", ["cp", "-", "told:/a"], { stdin: put });
  const changes = await daemon.api("GET", "/containers/told/changes");
  const before = await describeExport(daemon, "told");
  await ok("commit", "told", "committed");
  await ok("create", "--name=again", "committed", "true");
  const after = await describeExport(daemon, "again");
  const sizes = await ok("history", "--format={{.Size}}", "committed");
  const untouched = await (async () => {
    await ok("create", "--name=untouched", "busybox", "true");
    await ok("commit", "untouched", "same");
    return await ok("inspect", "-f", "{{len .RootFS.Layers}}", "same");
  })();
  return { changes: changes.body, before, after, sizes, untouched };
}

test("tell the same story under every driver", async () => {
  const [erofs, overlay, vfs] = await Promise.all(DRIVERS.map((driver) => story(daemons.get(driver)!)));
  expect(overlay).toEqual(erofs as never);
  expect(vfs).toEqual(erofs as never);
  const { changes, before, after } = erofs as {
    changes: { Path: string; Kind: number }[];
    before: string[];
    after: string[];
  };
  expect(changes).toContainEqual({ Path: "/var/log", Kind: 2 });
  expect(changes).toContainEqual({ Path: "/a/put/f", Kind: 1 });
  // The mount points that a start made are the engine's, and no part of the image.
  const own = before.filter((line) => !/^etc\/(hosts|hostname|resolv.conf) /.test(line));
  expect(after).toEqual(own);
});
