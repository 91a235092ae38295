import { describe, expect, test } from "bun:test";
import type { Spec } from "#api/oci";
import { MS } from "#lib/mount";
import { hybridHost, overlayRoot, planInput, unifiedHost } from "../_fixtures.ts";
import { compilePlan, rootMountOps } from "./compile.ts";
import { compileExecPlan } from "./exec.ts";

const { spec: base } = planInput();

function compile(changes: Partial<Spec>) {
  return compilePlan({ ...planInput(), spec: { ...base, ...changes } });
}

const process = { ...base.process, user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/" };

describe("compilePlan()", () => {
  test.each([
    ["hooks", { hooks: { prestart: [{ path: "/bin/true" }] } }, "hooks need another runtime"],
    ["a document without a process", { process: undefined }, "it has no process"],
    ["no command", { process: { ...process, args: [] } }, "no command specified"],
    ["SELinux labels", { process: { ...process, selinuxLabel: "x" } }, "SELinux labels cannot act here"],
    [
      "a shared mount namespace",
      { linux: { ...base.linux, namespaces: [{ type: "pid" }] } },
      "needs a mount namespace of its own",
    ],
    [
      "time namespaces",
      { linux: { ...base.linux, namespaces: [{ type: "mount" }, { type: "time" }] } },
      "time namespaces cannot act",
    ],
    [
      "unknown limits",
      { process: { ...process, rlimits: [{ type: "RLIMIT_X", soft: 1, hard: 1 }] } },
      'rlimit "RLIMIT_X" does not exist',
    ],
    ["relative mounts", { mounts: [{ destination: "x", type: "tmpfs" }] }, 'mount destination "x" is not absolute'],
    [
      "relative sources",
      { mounts: [{ destination: "/x", type: "bind", source: "../y" }] },
      'bind mount source "../y" is not absolute',
    ],
    [
      "relative devices",
      { linux: { ...base.linux, devices: [{ path: "x", type: "c" }] } },
      'device path "x" is not absolute',
    ],
    ["sysctls that climb", { linux: { ...base.linux, sysctl: { "net../x": "1" } } }, "is not a valid name"],
    ["the root cgroup", { linux: { ...base.linux, cgroupsPath: "/" } }, "invalid cgroups path"],
  ])("refuses %s", (_what, changes, message) => {
    expect(() => compile(changes as Partial<Spec>)).toThrow(message);
  });

  test("mounts the v2 tree afresh in a cgroup namespace only: the host's would get other options", () => {
    const cgroupMounts = (CgroupnsMode: "private" | "host") =>
      compilePlan(planInput({ hostConfig: { CgroupnsMode } }, unifiedHost)).inside.filter(
        (op) => "target" in op && op.target === "/sys/fs/cgroup",
      );
    expect(cgroupMounts("private")).toMatchObject([{ op: "mount", type: "cgroup2" }]);
    // Read-only, no setuid programs, no devices, no programs.
    expect(cgroupMounts("host")).toMatchObject([
      { op: "bind", source: "/sys/fs/cgroup", set: 0xf, propagation: MS.PRIVATE },
    ]);
  });

  test("takes ids, idmapped mounts and every capability set from the document", () => {
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const plan = compile({
      process: { ...process, capabilities: { bounding: ["CAP_KILL"], ambient: ["CAP_CHOWN", "CAP_FUTURE"] } },
      mounts: [
        {
          destination: "/x",
          type: "bind",
          source: "/srv",
          options: ["rbind", "idmap"],
          uidMappings: mappings,
          gidMappings: mappings,
        },
      ],
      linux: {
        ...base.linux,
        namespaces: [{ type: "mount" }, { type: "user" }],
        uidMappings: mappings,
        gidMappings: mappings,
      },
    });
    const maps = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
    expect(plan.clone).toMatchObject({ create: ["mount", "user"], uidMap: maps, gidMap: maps });
    expect(plan.inside).toContainEqual(
      expect.objectContaining({ op: "bind", target: "/x", uidMap: maps, gidMap: maps }),
    );
    const empty = { effective: 0n, permitted: 0n, inheritable: 0n };
    expect(plan.inside).toContainEqual({ op: "capabilities", bounding: 1n << 5n, ambient: 1n, ...empty });
  });

  test("lets files of /proc be replaced that only describe the machine", () => {
    const { inside } = compile({ mounts: [{ destination: "/proc/meminfo", type: "bind", source: "/srv/data/file" }] });
    expect(inside).toContainEqual(expect.objectContaining({ op: "bind", target: "/proc/meminfo", create: "file" }));
  });

  test("makes no devices where /dev is the host's", () => {
    const { inside } = compile({
      mounts: [{ destination: "/dev/", type: "bind", source: "/dev", options: ["rbind"] }],
    });
    expect(inside.filter(({ op }) => op === "device" || op === "symlink")).toEqual([]);
  });

  test("installs the filter before credentials change, unless no_new_privs is on: then last", () => {
    const order = (noNewPrivileges: boolean) =>
      compile({ process: { ...process, noNewPrivileges } })
        .inside.map(({ op }) => op)
        .filter((op) => ["no-new-privs", "seccomp", "user", "capabilities", "exec"].includes(op));
    expect(order(false)).toEqual(["seccomp", "user", "capabilities", "exec"]);
    expect(order(true)).toEqual(["no-new-privs", "user", "capabilities", "seccomp", "exec"]);
  });
});

test("compileExecPlan() needs a process to take limits and filter from", () => {
  const user = { uid: 0, gid: 0, groups: [], home: "/" };
  const options = { argv: ["true"], env: [], user, cwd: "/", tty: false, privileged: false };
  expect(() => compileExecPlan({ ociVersion: "1.2.1" }, 1, options, hybridHost)).toThrow("it has no process");
});

test("rootMountOps() mounts shared images before a container's own layers", () => {
  expect(rootMountOps(overlayRoot)).toEqual([
    { op: "mount-erofs", path: "/run/images/1", image: "/data/image.erofs", devices: ["/data/layer.tar"] },
    {
      op: "mount-overlay",
      path: "/run/root",
      lower: ["/run/images/1"],
      upper: "/data/1/upper",
      work: "/data/1/work",
      options: [],
    },
  ]);
});
