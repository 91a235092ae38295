/** tugd as a service of systemd, with the units of packaging/: whatever happens to the service, containers go on. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { makeBusyboxImage } from "../fixtures/busybox.ts";
import { docker, installUnits, removeUnits, sh, until } from "./_guest.ts";

const TREE = "/sys/fs/cgroup";
const UNIT = "/system.slice/tugd.service";

beforeAll(async () => {
  await installUnits();
  await sh("systemctl start tugd.socket");
});

afterAll(async () => {
  await docker("ps -aq | xargs -r docker -H unix:///run/tug/tug.sock rm -f");
  await removeUnits();
});

test("systemd finds nothing wrong with the units", async () => {
  expect(await sh("systemd-analyze verify tugd.service tugd.socket 2>&1")).toBe("");
});

test("the first request starts the service, which is active when the API answers", async () => {
  expect(await sh("systemctl is-active tugd.service || true")).toBe("inactive");
  expect(await sh("stat -c '%U:%G %a' /run/tug/tug.sock")).toBe("root:docker 660");
  expect(await docker("version -f '{{.Server.Version}}'")).not.toBe("");
  await until("[ $(systemctl is-active tugd.service) = active ]");
  await docker(`load -q -i ${await makeBusyboxImage()}`);
  expect(await sh("journalctl -u tugd.service -o cat")).toContain("daemon has completed initialization");
});

/** What must not change about a container, whatever happens to the daemon. */
const INSPECT = "inspect -f '{{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.NetworkSettings.IPAddress}}'";
const LIMITS = ["memory.max", "cpu.max", "cpuset.cpus", "pids.max"];

describe("a running container", () => {
  let id: string;
  let before: string;
  beforeAll(async () => {
    id = await docker(
      "run -d --memory=64m --cpus=1.5 --cpuset-cpus=1 --pids-limit=50 -p 8080:80 busybox sh -c 'httpd; while :; do sleep 0.1; done'",
    );
    before = await docker(`${INSPECT} ${id}`);
  });

  test("is in no cgroup of the service, and not protected from memory shortage as the service is", async () => {
    const pid = await docker(`inspect -f '{{.State.Pid}}' ${id}`);
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toBe(`0::/tug/${id}\n`);
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8")).toBe("0\n");
    const daemon = await sh("systemctl show -P MainPID tugd.service");
    expect(readFileSync(`/proc/${daemon}/cgroup`, "utf8")).toBe(`0::${UNIT}\n`);
    expect(readFileSync(`/proc/${daemon}/oom_score_adj`, "utf8")).toBe("-500\n");
  });

  test("has the limits on open files that systemd gives, not those that the daemon took for itself", async () => {
    const soft = await sh("systemctl show -P LimitNOFILESoft tugd.service");
    const hard = await sh("systemctl show -P LimitNOFILE tugd.service");
    expect(await docker(`exec ${id} sh -c 'ulimit -Sn; ulimit -Hn'`)).toBe(`${soft}\n${hard}`);
    const pid = await docker(`inspect -f '{{.State.Pid}}' ${id}`);
    expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(new RegExp(`^Max open files +${soft} +${hard} `, "m"));
  });

  test.each([
    ["systemctl restart", "systemctl restart tugd.service"],
    ["systemctl stop and start", "systemctl stop tugd.service && systemctl start tugd.service"],
    ["stop of the socket too", "systemctl stop tugd.socket tugd.service && systemctl start tugd.socket"],
    ["kill -9 of the daemon", "kill -9 $(systemctl show -P MainPID tugd.service)"],
    ["systemctl kill --kill-whom=main", "systemctl kill --kill-whom=main -s ABRT tugd.service"],
    ["systemctl daemon-reload", "systemctl daemon-reload"],
    ["systemctl daemon-reexec", "systemctl daemon-reexec"],
    ["systemctl reload", "systemctl reload tugd.service"],
  ])("outlives %s", async (_, command) => {
    // Starts on purpose do not count as failures that systemd gives up at.
    await sh(`systemctl reset-failed tugd.socket tugd.service; ${command}`);
    await until("docker -H unix:///run/tug/tug.sock version >/dev/null 2>&1");
    expect(await docker(`${INSPECT} ${id}`)).toBe(before);
    expect(await docker(`exec ${id} echo entered`)).toBe("entered");
    expect(LIMITS.map((file) => readFileSync(`${TREE}/tug/${id}/${file}`, "utf8").trim())).toEqual([
      "67108864",
      "150000 100000",
      "1",
      "50",
    ]);
    await sh("curl -sS -o /dev/null --max-time 5 http://127.0.0.1:8080/");
    expect(await sh("systemctl is-active tugd.service")).toBe("active");
  });

  test("keeps its controllers when systemd changes what other units may use", async () => {
    await sh("systemctl set-property --runtime ssh.service AllowedCPUs=0-1 IOWeight=50 && systemctl daemon-reload");
    await sh("systemctl revert ssh.service && systemctl daemon-reload");
    expect(readFileSync(`${TREE}/tug/cgroup.controllers`, "utf8").trim().split(" ")).toEqual(
      expect.arrayContaining(["cpuset", "cpu", "io", "memory", "pids"]),
    );
    expect(readFileSync(`${TREE}/tug/${id}/cpuset.cpus`, "utf8")).toBe("1\n");
  });

  test("that ends while the service is stopped has its exit code and its last words", async () => {
    const brief = await docker("run -d busybox sh -c 'sleep 5; echo last words; exit 33'");
    await sh("systemctl stop tugd.socket tugd.service");
    await until(`! [ -d ${TREE}/tug/${brief} ]`);
    await sh("systemctl start tugd.socket");
    expect(await docker(`wait ${brief}`)).toBe("33");
    expect(await docker(`logs ${brief}`)).toBe("last words");
  });

  test("with a restart policy comes back by itself when the service does", async () => {
    const always = await docker("run -d --restart=always busybox sleep 600");
    const pid = await docker(`inspect -f '{{.State.Pid}}' ${always}`);
    await sh(`systemctl stop tugd.socket tugd.service && kill -9 ${pid}`);
    await sh("systemctl start tugd.service");
    await until(
      `docker -H unix:///run/tug/tug.sock inspect -f '{{.State.Status}} {{.State.Pid}}' ${always} | grep -v ' ${pid}$' | grep -q running`,
    );
  });
});

test("nothing of the daemon stays in the service's cgroup but monitors", async () => {
  await sh("systemctl stop tugd.socket tugd.service");
  const pids = (await sh(`cat ${TREE}${UNIT}/cgroup.procs`)).split("\n").filter(Boolean);
  const names = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, 2).join(" "));
  expect(pids.length).toBeGreaterThan(0);
  expect(names.filter((name) => !name.includes("monitor"))).toEqual([]);
  await sh("systemctl start tugd.socket");
});
