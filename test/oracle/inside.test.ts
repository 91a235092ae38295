/** What a program in a container sees and may do: the same command in both, and what it printed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { sameCommand } from "./_compare.ts";
import { Engines } from "./_engines.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterAll(() => engines?.[Symbol.asyncDispose]());

/** Lines in an order that does not depend on the engine. */
const MOUNTS = `awk '{for(i=7;i<=NF;i++) if ($i=="-") print $5, $(i+1)}' /proc/self/mountinfo | sort`;
const FLAGS = `awk '$5 !~ "^/(sys/fs/cgroup|proc/acpi|sys/firmware|proc/scsi|proc/asound|sys/devices/virtual/powercap)$" {print $5, $6}' /proc/self/mountinfo | sort`;
const STATUS = "grep -E 'Cap|Seccomp|NoNewPrivs|Groups|Umask|Uid|Gid|SigBlk|SigIgn' /proc/self/status";
const NUMBERS = "awk '{print $1,$3,$4,$5,$6,$10,$11,$12}'";
const MASKED =
  "/proc/kcore /proc/keys /proc/timer_list /proc/acpi /proc/interrupts /proc/scsi /proc/asound /proc/latency_stats " +
  "/sys/firmware /sys/devices/virtual/powercap";

const SCRIPTS: readonly (readonly [about: string, flags: readonly string[], script: string])[] = [
  ["the environment", [], "env"],
  ["the environment with a terminal", ["-t", "-e", "A=b", "-e", "PATH=/x:/bin"], "env"],
  ["a user by name", ["-u", "test"], "id; pwd; env"],
  ["a user by number", ["-u", "1234"], "id; env"],
  ["added groups", ["-u", "1234:5678", "--group-add", "10", "--group-add", "wheel"], "id"],
  ["a user and a group by name", ["-u", "root:wheel"], "id"],
  ["what is mounted", [], MOUNTS],
  ["how it is mounted", [], FLAGS],
  ["what is mounted with privileges", ["--privileged"], MOUNTS],
  ["how it is mounted with privileges", ["--privileged"], FLAGS],
  ["the devices", [], `ls -ln /dev | ${NUMBERS} | sort`],
  ["the devices with a terminal", ["-t"], `ls -ln /dev | ${NUMBERS} | sort`],
  ["the devices with privileges", ["--privileged"], "ls /dev | grep -v -E 'loop|tty|vc|ram|nbd' | sort"],
  ["an added device", ["--device", "/dev/null:/dev/zz:rw"], `ls -ln /dev/zz | ${NUMBERS}`],
  ["its rights", [], STATUS],
  ["its rights with privileges", ["--privileged"], STATUS],
  ["fewer rights", ["--cap-drop=ALL", "--cap-add=NET_ADMIN", "--security-opt=no-new-privileges"], STATUS],
  ["a user's rights", ["-u", "test", "--cap-add=SYS_ADMIN"], STATUS],
  ["all rights without a filter", ["--security-opt=seccomp=unconfined", "--cap-add=ALL"], STATUS],
  ["limits", ["--ulimit", "nofile=100:200", "--ulimit", "core=0"], "cat /proc/self/limits"],
  ["its cgroups", [], "cat /proc/self/cgroup | sed 's,/[a-z]*/[0-9a-f]*$,/ID,'"],
  ["what is open", [], "ls /proc/self/fd; readlink /proc/self/fd/0 | sed 's/[0-9]*//g'"],
  ["namespaces", [], "ls /proc/self/ns; cat /proc/self/uid_map"],
  ["names and nameservers", [], "cat /etc/hosts /etc/resolv.conf /etc/hostname"],
  ["a name of its own", ["-h", "web", "--domainname", "x.org"], "cat /etc/hosts /etc/hostname; hostname; hostname -f"],
  ["added hosts", ["--add-host", "db:1.2.3.4", "--add-host", "v6:::1"], "cat /etc/hosts"],
  ["nameservers", ["--dns", "1.1.1.1", "--dns-search", "a.b", "--dns-option", "ndots:2"], "cat /etc/resolv.conf"],
  ["the host's network", ["--network", "host"], "hostname; env; cat /etc/resolv.conf"],
  ["the host's names", ["--uts", "host"], "hostname; env"],
  ["no network", ["--network", "none"], "cat /etc/hosts; ls /sys/class/net; ip route"],
  [
    "its network",
    [],
    "ip addr | sed 's/@if[0-9]*//;s/link-netnsid [0-9]*//;s/^[0-9]*: //;s/ qlen.*//;s/ *$//'; cat /proc/net/if_inet6",
  ],
  [
    "owners and modes of the usual folders",
    [],
    `ls -lnd /etc /proc /sys /dev /tmp /dev/shm /dev/pts /dev/mqueue | awk '{print $1,$3,$4,$NF}'`,
  ],
  ["owners and modes of its files", [], "stat -c '%n %a %u:%g' /etc/hosts /etc/resolv.conf /etc/hostname"],
  [
    "sysctls",
    [],
    "cd /proc/sys/net/ipv4; cat ip_forward ping_group_range ip_unprivileged_port_start ../ipv6/conf/all/disable_ipv6",
  ],
  [
    "chosen sysctls",
    ["--sysctl", "kernel.msgmax=12345", "--sysctl", "net.core.somaxconn=77"],
    "cat /proc/sys/kernel/msgmax /proc/sys/net/core/somaxconn",
  ],
  [
    "what is hidden",
    [],
    `for f in ${MASKED}; do ls -ld $f 2>&1 | awk '{print $1}'; head -c1 $f 2>&1 | wc -c; ls $f | wc -l; done`,
  ],
  [
    "what is not hidden from the privileged",
    ["--privileged"],
    `for f in ${MASKED}; do ls -ld $f 2>&1 | awk '{print $1}'; done`,
  ],
  [
    "what it may not do",
    [],
    "echo 1 > /proc/sys/kernel/domainname; echo x > /proc/sysrq-trigger; touch /sys/x; mkdir /sys/fs/cgroup/cpu/x; " +
      "mount -t tmpfs x /tmp; hostname x; mknod /tmp/sda b 8 0 && head -c1 /tmp/sda; unshare -m true; date -s 2000-01-01",
  ],
  [
    "limits of its cgroups",
    [
      "-m",
      "64m",
      "--memory-reservation",
      "32m",
      "-c",
      "512",
      "--cpus",
      "0.5",
      "--cpuset-cpus",
      "0",
      "--pids-limit",
      "50",
    ],
    "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes " +
      "cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpuset/cpuset.cpus pids/pids.max",
  ],
  [
    "device rules",
    ["--device", "/dev/fuse:/dev/my:r", "--device-cgroup-rule", "c 1:* rwm"],
    "sort /sys/fs/cgroup/devices/devices.list",
  ],
  ["device rules with privileges", ["--privileged"], "cat /sys/fs/cgroup/devices/devices.list"],
  ["default device rules", [], "sort /sys/fs/cgroup/devices/devices.list"],
  ["the size of shared memory", ["--shm-size", "1m"], "df -k /dev/shm | awk '{print $2,$6}'"],
  [
    "tmpfs",
    [
      "--tmpfs",
      "/x",
      "--tmpfs",
      "/y:size=1m,mode=700,uid=5,noexec",
      "--mount",
      "type=tmpfs,dst=/z,tmpfs-size=65536,tmpfs-mode=0750",
    ],
    "mount | grep -E ' /(x|y|z) ' | sort; stat -c '%a %u %g' /x /y /z",
  ],
  [
    "binds",
    ["-v", "/tmp:/x", "-v", "/tmp:/y:ro", "-v", "/etc/passwd:/z:ro"],
    "grep -E ' /(x|y|z) ' /proc/self/mountinfo | awk '{print $5,$6}' | sort; touch /y/a",
  ],
  ["a read-only root", ["--read-only"], "touch /a /etc/hosts /tmp/x /dev/shm/x; echo $?"],
  ["a folder to work in that is made", ["-w", "/w/x/y", "-u", "test"], "stat -c '%a %u:%g' /w /w/x/y; pwd"],
  ["a terminal", ["-t"], "tty; stty -a; test -t 0 && test -t 1 && test -t 2 && echo all"],
  ["the adjustment for OOM", ["--oom-score-adj", "300"], "cat /proc/1/oom_score_adj"],
  ["small matters", [], "ulimit -c; umask; nice; cat /proc/self/timerslack_ns /proc/self/personality"],
  ["an end by a signal", [], "kill -9 $$"],
  ["pid 1 ignores what it does not handle", [], "kill -TERM $$; echo alive"],
  ["an end by a code", [], "echo out; echo err >&2; exit 255"],
  ["an end under --init", ["--init"], "exit 3"],
  ["an end by a signal under --init", ["--init"], "kill -9 $$"],
  ["too little memory", ["-m", "8m"], "tail /dev/zero"],
];

test.each(SCRIPTS)("%s", async (_, flags, script) => {
  await sameCommand(engines, ["run", "--rm", ...flags, "IMAGE", "sh", "-c", script]);
});

test.each([[["/no/such"]], [["nosuch"]], [["/etc"]], [["/etc/passwd"]], [[]]])(
  "docker run with the program %p",
  async (program) => {
    await sameCommand(engines, ["run", "--rm", "IMAGE", ...program]);
  },
);

test.each([
  [["--entrypoint", "", "IMAGE"]],
  [["--entrypoint", "echo", "IMAGE", "hi"]],
  [["--entrypoint", "echo", "IMAGE"]],
  [["-u", "nosuch", "IMAGE"]],
  [["-m", "1k", "IMAGE"]],
  [["--name", "a b", "IMAGE"]],
  [["-p", "99999:1", "IMAGE"]],
  [["--cap-add", "x", "IMAGE"]],
  [["--network", "nosuch", "IMAGE"]],
  [["--restart", "always", "IMAGE"]],
  [["-a", "stderr", "IMAGE", "sh", "-c", "echo out; echo err >&2"]],
])("docker run --rm %p", async (args) => {
  await sameCommand(engines, ["run", "--rm", ...args]);
});

test("stdin goes in, and its end too", async () => {
  await sameCommand(engines, ["run", "--rm", "-i", "IMAGE", "sh", "-c", "cat; echo end"], "hello\n");
  await sameCommand(
    engines,
    ["run", "--rm", "-i", "-a", "stdin", "-a", "stdout", "IMAGE", "sh", "-c", "cat; echo e >&2"],
    "x",
  );
});

test("another container's network, processes and memory", async () => {
  await sameCommand(engines, [
    "run",
    "-d",
    "--name",
    "P-donor",
    "-h",
    "donor",
    "--ipc",
    "shareable",
    "IMAGE",
    "sleep",
    "600",
  ]);
  for (const [flag, script] of [
    ["--network", "hostname; env; cat /etc/hosts /etc/hostname"],
    ["--pid", "ps -o args | grep -cx 'sleep 600'"],
    ["--ipc", "mount | grep shm | awk '{print $3,$6}'; readlink /proc/self/ns/ipc | sed 's/[0-9]*//g'"],
  ] as const) {
    await sameCommand(engines, ["run", "--rm", flag, "container:P-donor", "IMAGE", "sh", "-c", script]);
  }
  await sameCommand(engines, ["exec", "P-donor", "sh", "-c", "exit 9"]);
  await sameCommand(engines, [
    "exec",
    "-t",
    "-u",
    "test:wheel",
    "-w",
    "/tmp",
    "-e",
    "A=b",
    "P-donor",
    "sh",
    "-c",
    "id; env; pwd",
  ]);
  await sameCommand(engines, ["exec", "--privileged", "P-donor", "sh", "-c", STATUS]);
  await sameCommand(engines, ["exec", "P-donor", "nosuch"]);
  await engines.clean();
});

test("the image is the same for both", async () => {
  const { tug, docker } = await engines.both((engine) =>
    engine.get<{ Id: string }>("GET", `/images/${engine.image}/json`),
  );
  expect(tug.Id).toBe(docker.Id);
});
