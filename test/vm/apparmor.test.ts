/** Containers under the default AppArmor profile, under others, and under none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TestDaemon } from "../engine/_daemon.ts";
import { sh } from "./_guest.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => daemon.cli("docker", args);
const ok = (...args: string[]) => daemon.ok("docker", args);

const CURRENT = ["cat", "/proc/self/attr/current"];
const CONFINED = "tug-default (enforce)";

test("the daemon loads the profile and says so", async () => {
  expect(await ok("info", "-f", "{{.SecurityOptions}}")).toContain("name=apparmor");
  expect(await sh("cat /sys/kernel/security/apparmor/profiles")).toContain(CONFINED);
  expect(daemon.log).not.toContain("AppArmor");
});

describe("the default profile", () => {
  test.each([
    ["a container", []],
    ["its program under --init", ["--init"]],
    ["one without further privileges", ["--security-opt=no-new-privileges"]],
    ["one of another user", ["--user=1000"]],
    ["a privileged one that asks for it", ["--privileged", "--security-opt=apparmor=tug-default"]],
  ])("holds for %s", async (_, flags) => {
    expect(await ok("run", "--rm", ...flags, "busybox", ...CURRENT)).toBe(CONFINED);
  });

  test("holds for the init process and for execs, and inspect names it", async () => {
    const id = await ok("run", "-d", "--init", "busybox", "sleep", "600");
    expect(await ok("exec", id, "cat", "/proc/1/attr/current", "/proc/self/attr/current")).toBe(
      `${CONFINED}\n${CONFINED}`,
    );
    expect(await ok("inspect", "-f", "{{.AppArmorProfile}}", id)).toBe("tug-default");
    await ok("rm", "-f", id);
  });

  test.each(["runc", "crun"])("holds under --runtime=%s, whose containers can be stopped too", async (runtime) => {
    const id = await ok(
      "run",
      "-d",
      `--runtime=${runtime}`,
      "busybox",
      "sh",
      "-c",
      "trap 'exit 5' TERM; while :; do sleep 0.1; done",
    );
    expect(await ok("exec", id, ...CURRENT)).toBe(CONFINED);
    await ok("stop", id);
    expect(await ok("wait", id)).toBe("5");
    await ok("rm", id);
  });

  // Nothing but the profile stands between these and what they want.
  const OPEN = ["--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined", "--security-opt=systempaths=unconfined"];
  test.each([
    "mount -t tmpfs none /home",
    "mount --bind /etc /home",
    "mount -o remount,rw /sys",
    "echo h >/proc/sysrq-trigger",
    "echo core >/proc/sys/kernel/core_pattern",
    "head -c 1 /proc/kcore",
  ])("denies `%s` even with CAP_SYS_ADMIN", async (script) => {
    const denied = await docker("run", "--rm", ...OPEN, "busybox", "sh", "-c", script);
    expect(denied.code).not.toBe(0);
    expect(denied.stderr).toMatch(/permission denied/i);
  });

  test("is what denies them: without it they succeed", async () => {
    const script = "mount -t tmpfs none /home && echo h >/proc/sysrq-trigger && umount /home && echo done";
    expect(await ok("run", "--rm", ...OPEN, "--security-opt=apparmor=unconfined", "busybox", "sh", "-c", script)).toBe(
      "done",
    );
  });

  test("lets a container do its work", async () => {
    const script = `
      mkdir /tmp/a && echo x >/tmp/a/b && chown 1:1 /tmp/a/b && ln -s b /tmp/a/c && rm -r /tmp/a
      echo 1000 >/proc/self/oom_score_adj
      sleep 600 & kill $! && wait $!
      { nc -l -p 99 -e true & } && sleep 0.5 && nc 127.0.0.1 99 </dev/null
      su test -c id -s /bin/sh`;
    expect(await ok("run", "--rm", "busybox", "sh", "-c", script)).toContain("uid=1000(test)");
  });
});

describe("--security-opt apparmor", () => {
  test("=unconfined, and --privileged, go without", async () => {
    expect(await ok("run", "--rm", "--security-opt=apparmor=unconfined", "busybox", ...CURRENT)).toBe("unconfined");
    expect(await ok("run", "--rm", "--privileged", "busybox", ...CURRENT)).toBe("unconfined");
  });

  test("=NAME takes a profile of the user's", async () => {
    await sh(
      "echo 'profile tug-test-own { file, capability, network, signal, deny /etc/passwd r, }' | apparmor_parser -Kr",
    );
    const option = "--security-opt=apparmor=tug-test-own";
    expect(await ok("run", "--rm", option, "busybox", ...CURRENT)).toBe("tug-test-own (enforce)");
    expect((await docker("run", "--rm", option, "busybox", "cat", "/etc/passwd")).stderr).toContain(
      "Permission denied",
    );
    await sh("echo 'profile tug-test-own {}' | apparmor_parser -R");
  });

  test("=NAME of a profile that is not loaded is a clear error", async () => {
    const result = await docker("run", "--rm", "--security-opt=apparmor=nosuch", "busybox", "true");
    expect(result.code).toBe(125);
    expect(result.stderr).toContain('apparmor profile "nosuch" is not loaded');
  });
});

test("without apparmor_parser containers run unconfined, and log and info say so", async () => {
  const parser = await sh("command -v apparmor_parser");
  await sh(`echo 'profile tug-default {}' | apparmor_parser -R && mv ${parser} ${parser}.away`);
  try {
    await using bare = await TestDaemon.start();
    expect(bare.log).toContain("apparmor_parser is not installed");
    expect(await bare.ok("docker", ["info", "-f", "{{.SecurityOptions}}"])).not.toContain("apparmor");
    expect(await bare.ok("docker", ["info", "-f", "{{.Warnings}}"])).toContain("AppArmor is enabled, but");
    expect(await bare.ok("docker", ["run", "--rm", "busybox", ...CURRENT])).toBe("unconfined");
  } finally {
    await sh(`mv ${parser}.away ${parser}`);
  }
});
