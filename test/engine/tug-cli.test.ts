/** The `tug` command line against a real daemon, and beside the real `docker` command line where both must agree. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeBusyboxImage } from "../fixtures/busybox.ts";
import { TestDaemon } from "./_daemon.ts";
import { TerminalSession } from "./_terminal.ts";

const TUG = resolve(import.meta.dir, "../../dist/tug");
const DETACH = "\x10\x11";
const CTRL_C = "\x03";
const CTRL_D = "\x04";

let daemon: TestDaemon;
let folder: string;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  folder = mkdtempSync("/var/tmp/tug-cli-");
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await daemon?.[Symbol.asyncDispose]();
});

const tug = (...args: string[]) => daemon.cli("tug", args);
const ok = (...args: string[]) => daemon.ok("tug", args);

/** A shell script in which `tug` is the one under test. */
async function shell(script: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, TUG_HOST: daemon.host, PATH: `${resolve(TUG, "..")}:${process.env.PATH}` };
  const child = Bun.spawn(["bash", "-c", script], { env, cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

function inTerminal(...args: string[]): TerminalSession {
  return new TerminalSession([TUG, ...args], { env: { TUG_HOST: daemon.host, TERM: "xterm" } });
}

async function removeAll(): Promise<void> {
  const ids = await ok("ps", "-aq");
  if (ids !== "") await ok("rm", "-f", ...ids.split("\n"));
}

describe("a terminal", () => {
  afterEach(removeAll);

  test("run -it gives a shell of the window's size, and its exit code", async () => {
    using session = inTerminal("run", "-it", "--rm", "busybox", "sh");
    await session.sees("/ # ");
    session.types("stty size; exit 7\n");
    await session.sees("\r\n30 100\r\n");
    expect(await session.end()).toBe(7);
  });

  test("run -it leaves the terminal as it was, whether the program started or not", async () => {
    const host = { env: { TUG_HOST: daemon.host } };
    const script = `a=$(stty -g); ${TUG} run -it --rm busybox true; ${TUG} run -it --rm busybox nosuch; [ "$a" = "$(stty -g)" ] && echo same`;
    using session = new TerminalSession(["sh", "-c", script], host);
    await session.sees("executable file not found");
    await session.sees("same");
  });

  test("a change of the window reaches the program", async () => {
    using session = inTerminal(
      "run",
      "-it",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "trap 'stty size; exit 3' WINCH; echo go; while :; do sleep 0.1; done",
    );
    await session.sees("go\r\n");
    session.resize(120, 40);
    await session.sees("40 120");
    expect(await session.end()).toBe(3);
  });

  test("a change of the window reaches a command of exec", async () => {
    await ok("run", "-d", "--name", "window", "busybox", "sleep", "600");
    using session = inTerminal(
      "exec",
      "-it",
      "window",
      "sh",
      "-c",
      "trap 'stty size; exit 3' WINCH; stty size; while :; do sleep 0.1; done",
    );
    await session.sees("30 100\r\n");
    session.resize(90, 20);
    await session.sees("20 90");
    expect(await session.end()).toBe(3);
  });

  test("the detach keys leave the program running; attach and start -ai come back to it", async () => {
    using first = inTerminal("run", "-it", "--name", "kept", "busybox", "sh");
    await first.sees("/ # ");
    first.types(DETACH);
    expect(await first.end()).toBe(0);
    expect(await ok("ps", "--format", "{{.Names}} {{.State}}")).toBe("kept running");
    using second = inTerminal("attach", "kept");
    second.types("echo a$((1+1))b\n");
    await second.sees("a2b\r\n");
    second.types("\x10");
    second.types("\x11");
    expect(await second.end()).toBe(1);
    expect(second.unread).toContain("read escape sequence");
    using third = inTerminal("attach", "kept");
    third.types("exit 5\n");
    expect(await third.end()).toBe(5);
    using fourth = inTerminal("start", "-ai", "kept");
    await fourth.sees("/ # ");
    fourth.types("exit 6\n");
    expect(await fourth.end()).toBe(6);
  });

  test("the detach keys may be others, and then the usual ones are input", async () => {
    using session = inTerminal(
      "run",
      "-it",
      "--detach-keys",
      "ctrl-a,x",
      "busybox",
      "sh",
      "-c",
      "stty raw; echo go; cat -v",
    );
    await session.sees("go");
    session.types(DETACH);
    await session.sees("^P^Q");
    session.types("\x01y");
    await session.sees("^Ay");
    session.types("\x01x");
    expect(await session.end()).toBe(0);
    expect((await ok("ps", "-q")).length).toBe(12);
  });

  test("exec -it ends with the command's exit code, or leaves it by the detach keys", async () => {
    await ok("run", "-d", "--name", "host", "busybox", "sleep", "600");
    using session = inTerminal("exec", "-it", "host", "sh");
    await session.sees("/ # ");
    session.types("exit 9\n");
    expect(await session.end()).toBe(9);
    using left = inTerminal("exec", "-it", "host", "sh");
    await left.sees("/ # ");
    left.types(DETACH);
    expect(await left.end()).toBe(1);
    expect(await ok("top", "host", "-eo", "pid,comm")).toEndWith("sh");
  });

  test("Ctrl-C goes to the program: as a key with a terminal, as a signal without", async () => {
    const script = "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.1; done";
    for (const flags of [["-it"], []]) {
      using session = inTerminal("run", "--rm", ...flags, "busybox", "sh", "-c", script);
      await session.sees("ready");
      session.types(CTRL_C);
      await session.sees("caught");
      expect(await session.end()).toBe(4);
    }
  });

  test("with --sig-proxy=false Ctrl-C ends tug alone", async () => {
    using session = inTerminal(
      "run",
      "--sig-proxy=false",
      "--name",
      "on",
      "busybox",
      "sh",
      "-c",
      "echo ready; sleep 600",
    );
    await session.sees("ready");
    session.types(CTRL_C);
    expect(await session.end()).toBe("SIGINT");
    expect(await ok("inspect", "-f", "{{.State.Status}}", "on")).toBe("running");
  });

  test("-i without -t reads lines until Ctrl-D, and ends with a program that asks for none", async () => {
    using session = inTerminal("run", "-i", "--rm", "busybox", "cat");
    session.types("line\n");
    await session.sees("line\r\nline\r\n");
    session.types(CTRL_D);
    expect(await session.end()).toBe(0);
    using silent = inTerminal("run", "-i", "--rm", "busybox", "true");
    expect(await silent.end()).toBe(0);
  });

  test("a container that is removed meanwhile ends the session", async () => {
    using session = inTerminal("run", "-it", "--name", "doomed", "busybox", "sh");
    await session.sees("/ # ");
    await ok("rm", "-f", "doomed");
    expect(await session.end()).toBe(137);
  });

  test.each([[["logs", "-f"]], [["attach", "--no-stdin", "--sig-proxy=false"]], [["wait"]]])(
    "Ctrl-C ends %j",
    async (command) => {
      await ok("run", "-d", "--name", "talker", "busybox", "sh", "-c", "while :; do echo x; sleep 0.1; done");
      using session = inTerminal(...command, "talker");
      if (command[0] !== "wait") await session.sees("x\r\n");
      session.types(CTRL_C);
      expect(await session.end()).toBe("SIGINT");
      expect(await ok("inspect", "-f", "{{.State.Running}}", "talker")).toBe("true");
    },
  );

  test("prune asks, and save writes no archive to it", async () => {
    await ok("create", "--name", "old", "busybox");
    using no = inTerminal("container", "prune");
    await no.sees("[y/N] ");
    no.types("n\n");
    expect(await no.end()).toBe(0);
    expect(await ok("ps", "-aq")).not.toBe("");
    using yes = inTerminal("container", "prune");
    await yes.sees("[y/N] ");
    yes.types("y\n");
    await yes.sees("Deleted Containers:");
    expect(await yes.end()).toBe(0);
    using save = inTerminal("save", "busybox");
    await save.sees("cowardly refusing to save to a terminal");
    expect(await save.end()).toBe(1);
  });
});

describe("signals", () => {
  afterEach(removeAll);

  test.each([
    ["SIGTERM", "TERM"],
    ["SIGHUP", "HUP"],
    ["SIGUSR1", "USR1"],
  ] as const)("run hands %s on", async (name, trap) => {
    const script = `trap 'echo caught; exit 6' ${trap}; echo ready; while :; do sleep 0.1; done`;
    using session = inTerminal("run", "--rm", "busybox", "sh", "-c", script);
    await session.sees("ready");
    session.signal(name);
    await session.sees("caught");
    expect(await session.end()).toBe(6);
  });

  test("start -a hands them on as well", async () => {
    const script = "trap 'echo caught; exit 6' TERM; echo ready; while :; do sleep 0.1; done";
    await ok("create", "--name", "signalled", "busybox", "sh", "-c", script);
    using session = inTerminal("start", "-a", "signalled");
    await session.sees("ready");
    session.signal("SIGTERM");
    expect(await session.end()).toBe(6);
  });
});

describe("pipes and files", () => {
  afterEach(removeAll);

  test("run -i reads a file to its end", async () => {
    writeFileSync(join(folder, "input"), "0123456789abcdef".repeat(100_000));
    expect(
      (await shell("tug run -i --rm busybox md5sum < input | cut -d' ' -f1; md5sum < input | cut -d' ' -f1")).stdout,
    ).toMatch(/^([0-9a-f]{32})\n\1\n$/);
  });

  test("run -i passes a stream through in both directions at once", async () => {
    const result = await shell("head -c 30000000 /dev/zero | tug run -i --rm busybox cat | wc -c");
    expect(result).toEqual({ code: 0, stdout: "30000000\n", stderr: "" });
  });

  test("exec -i and start -ai read to the end of their input", async () => {
    await ok("run", "-d", "--name", "host", "busybox", "sleep", "600");
    expect((await shell("printf 'a\\nb\\n' | tug exec -i host wc -l")).stdout).toBe("2\n");
    await ok("create", "-i", "--name", "filter", "busybox", "sort");
    expect((await shell("printf 'b\\na\\n' | tug start -ai filter")).stdout).toBe("a\nb\n");
  });

  test("stdout and stderr stay apart", async () => {
    const result = await shell("tug run --rm busybox sh -c 'echo out; echo err >&2' 2>err; echo; cat err");
    expect(result.stdout).toBe("out\n\nerr\n");
  });

  test("a reader that leaves ends tug without a word", async () => {
    await ok("run", "-d", "--name", "long", "busybox", "sh", "-c", "yes | head -n 2000000");
    await ok("wait", "long");
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash fills it in
    const logs = await shell("tug logs long | head -n 1; echo ${PIPESTATUS[0]}");
    expect(logs).toEqual({ code: 0, stdout: "y\n141\n", stderr: "" });
    const follow = await shell("tug run --rm busybox yes | head -n 1");
    expect(follow).toEqual({ code: 0, stdout: "y\n", stderr: "" });
  });

  test("without a terminal -it is refused, and -t alone is not", async () => {
    expect(await tug("run", "-it", "--rm", "busybox", "true")).toMatchObject({
      code: 1,
      stderr: "the input device is not a TTY\n",
    });
    expect((await tug("run", "-t", "--rm", "busybox", "tty")).stdout).toBe("/dev/pts/0\r\n");
  });

  test("an input file that is missing ends load and import", async () => {
    const expected = { code: 1, stdout: "", stderr: "open /nonexistent: no such file or directory\n" };
    expect(await tug("load", "-i", "/nonexistent")).toEqual(expected);
    expect(await tug("import", "/nonexistent")).toEqual(expected);
  });
});

describe("the life of a container", () => {
  afterEach(removeAll);

  test("create, start, restart, stop, kill, wait, rename, rm", async () => {
    const id = await ok(
      "create",
      "--name",
      "life",
      "busybox",
      "sh",
      "-c",
      "trap 'exit 3' TERM; while :; do sleep 0.1; done",
    );
    const status = () => ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life");
    expect(await status()).toBe("created 0");
    expect(await ok("start", "life")).toBe("life");
    expect(await ok("restart", "-t", "5", "life")).toBe("life");
    expect(await status()).toBe("running 0");
    expect(await ok("pause", "life")).toBe("life");
    expect(await ok("unpause", "life")).toBe("life");
    expect(await ok("stop", "life")).toBe("life");
    expect(await status()).toBe("exited 3");
    await ok("start", "life");
    const wait = ok("wait", "life");
    expect(await ok("kill", "-s", "KILL", "life")).toBe("life");
    expect(await wait).toBe("137");
    await ok("rename", "life", "afterlife");
    expect(await ok("ps", "-aq", "--no-trunc", "-f", "name=afterlife")).toBe(id);
    expect(await ok("rm", "afterlife")).toBe("afterlife");
  });

  test("run --cidfile and -d name the container, --rm leaves nothing", async () => {
    const file = join(folder, "cid");
    const id = await ok("run", "-d", "--cidfile", file, "busybox", "sleep", "600");
    expect(readFileSync(file, "utf8")).toBe(id);
    await ok("run", "--rm", "--name", "gone", "busybox", "true");
    expect((await tug("inspect", "gone")).code).toBe(1);
  });

  test("what fails for one of several names is told, and the others are done", async () => {
    await ok("create", "--name", "one", "busybox");
    expect(await tug("rm", "one", "nope")).toEqual({
      code: 1,
      stdout: "one\n",
      stderr: "Error response from daemon: No such container: nope\n",
    });
  });
});

describe("images", () => {
  test("tag, save, rmi, load and history", async () => {
    const id = await ok("images", "-q", "--no-trunc", "busybox");
    await ok("tag", "busybox", "some/image:1");
    await ok("save", "-o", join(folder, "image.tar"), "some/image:1");
    expect(await ok("rmi", "some/image:1")).toBe("Untagged: some/image:1");
    expect((await shell("tug load < image.tar")).stdout).toBe("Loaded image: some/image:1\n");
    expect(await ok("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "--no-trunc", "some/image")).toBe(
      `some/image:1 ${id}`,
    );
    expect((await shell("tug save some/image:1 | tar t | grep -c manifest.json")).stdout).toBe("1\n");
    expect(await ok("history", "-q", "--no-trunc", "some/image:1")).toContain(id);
    await ok("rmi", "some/image:1");
  });

  test("import makes an image of a tar from a pipe", async () => {
    const archive = "mkdir -p root/bin && cp /bin/busybox root/bin/ && tar -C root -c .";
    const result = await shell(`(${archive}) | tug import -c 'CMD ["/bin/busybox","echo","imported"]' - imported:1`);
    expect(result.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(await ok("run", "--rm", "imported:1")).toBe("imported");
    await removeAll();
    await ok("rmi", "imported:1");
  });

  test("an image that nobody has is refused with what to do", async () => {
    const result = await tug("run", "--rm", "nobody/has:this");
    expect(result.code).toBe(125);
    expect(result.stderr).toStartWith(
      "Unable to find image 'nobody/has:this' locally\ntug: Error response from daemon: ",
    );
  });
});

describe("the same words as docker", () => {
  beforeAll(async () => {
    await ok(
      "run",
      "-d",
      "--name",
      "sleeper",
      "-p",
      "127.0.0.1::80",
      "-p",
      "81/udp",
      "-l",
      "a=b",
      "busybox",
      "sleep",
      "600",
    );
    await ok("run", "-d", "--name", "ended", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3");
    await ok("wait", "ended");
    await ok("create", "-it", "--name", "fresh", "busybox");
  });
  afterAll(removeAll);

  // Points in time and durations, which may go on between the two.
  const comparable = (text: string) =>
    text
      .replaceAll("docker", "tug")
      .replace(/(\d+|Less than a|About a) (second|minute)s?( ago)?/g, "<ago>")
      .replace(/\b[a-z]+_[a-z]+\b/g, "<name>")
      .replace(/ +/g, " ");

  test.each(
    [
      ["ps"],
      ["ps", "-a", "--no-trunc"],
      ["ps", "-aq"],
      ["ps", "-as"],
      ["ps", "-n", "1"],
      ["ps", "--format", "{{json .}}"],
      ["ps", "-a", "--format", "table {{.ID}}\\t{{.Names}}\\t{{.Ports}}"],
      ["ps", "-a", "-f", "status=exited", "--format", "json"],
      ["ps", "--format", "{{.Nope}}"],
      ["ps", "-f", "bogus=1"],
      ["container", "ls"],
      ["images"],
      ["image", "ls", "--digests"],
      ["images", "--format", "table {{.Repository}}\\t{{.Size}}"],
      ["history", "busybox"],
      ["inspect", "sleeper"],
      ["inspect", "busybox", "nope"],
      ["inspect", "-f", "{{.Id}} {{.State.Status}} {{json .Config.Labels}}", "sleeper"],
      [
        "inspect",
        "-f",
        "{{range $p, $c := .NetworkSettings.Ports}}{{$p}}={{(index $c 0).HostPort}} {{end}}",
        "sleeper",
      ],
      ["inspect", "-f", "{{.Nope}}", "sleeper"],
      ["logs", "ended"],
      ["logs", "-t", "--tail", "1", "ended"],
      ["logs", "--since", "bogus", "ended"],
      ["port", "sleeper"],
      ["port", "sleeper", "81/udp"],
      ["port", "sleeper", "99"],
      ["top", "sleeper"],
      ["top", "ended"],
      ["exec", "sleeper", "sh", "-c", "echo out; echo err >&2; exit 9"],
      ["exec", "-e", "A=b", "-u", "1000:1000", "-w", "/tmp", "sleeper", "sh", "-c", "pwd; id; echo $A"],
      ["exec", "sleeper", "nosuch"],
      ["exec", "ended", "true"],
      ["wait", "ended"],
      ["attach", "ended"],
      ["start", "nope"],
      ["rm", "sleeper"],
      ["rename", "sleeper", "ended"],
      ["kill", "-s", "BOGUS", "sleeper"],
      ["stop", "-t", "x", "ended"],
      ["run", "--rm", "busybox", "sh", "-c", "exit 5"],
      ["run", "--rm", "busybox", "nosuch"],
      ["run", "--rm", "busybox", "/etc"],
      ["run", "--rm", "--memory=1k", "busybox"],
      ["run", "--rm", "--name", "sleeper", "busybox"],
      ["run", "--bogus"],
      ["run"],
      ["network", "ls"],
      ["volume", "ls"],
      ["system", "df"],
      ["version", "--format", "{{.Server.APIVersion}} {{.Server.Os}}"],
      ["info", "--format", "{{.Driver}} {{.NCPU}} {{.ID}}"],
      ["events", "--since", "10m", "--until", "-1s", "-f", "container=fresh"],
      [
        "events",
        "--since",
        "10m",
        "--until",
        "-1s",
        "-f",
        "container=fresh",
        "--format",
        "{{.Action}} {{.Scope}} {{.TimeNano}}",
      ],
      ["container", "nosuch-command"],
      ["ps", "extra"],
      ["stop", "--help"],
      ["container", "ls", "--help"],
    ].map((args) => [args.join(" "), args] as const),
  )("%s", async (_, args) => {
    const [expected, actual] = [await daemon.cli("docker", args), await daemon.cli("tug", args)];
    expect(comparable(actual.stdout)).toBe(comparable(expected.stdout));
    expect(comparable(actual.stderr)).toBe(comparable(expected.stderr));
    expect(actual.code).toBe(expected.code);
  });
});

describe("events", () => {
  test("come as they happen", async () => {
    using session = inTerminal(
      "events",
      "--filter",
      "type=container",
      "--format",
      "{{.Action}} {{.Actor.Attributes.name}}",
    );
    // Nothing tells that the subscription stands, so events are made until the first is seen.
    const seen = session.sees("create watched");
    let isSeen = false;
    seen.then(() => {
      isSeen = true;
    });
    while (!isSeen) await ok("rm", "-f", await ok("create", "--name", "watched", "busybox"));
    await session.sees("destroy watched");
    session.types(CTRL_C);
    expect(await session.end()).toBe("SIGINT");
  });
});

describe("which engine", () => {
  const version = ["version", "--format", "{{.Server.Version}}"];
  const unreachable = "unix:///nonexistent/tug.sock";

  test("-H goes before TUG_HOST, and TUG_HOST before DOCKER_HOST", async () => {
    const env = (TUG_HOST: string, DOCKER_HOST: string) => ({ env: { TUG_HOST, DOCKER_HOST } });
    const { code } = await daemon.cli("tug", ["-H", daemon.host, ...version], env(unreachable, unreachable));
    expect(code).toBe(0);
    expect((await daemon.cli("tug", version, env(daemon.host, unreachable))).code).toBe(0);
    expect((await daemon.cli("tug", version, env("", daemon.host))).code).toBe(0);
    expect((await daemon.cli("tug", version, env(unreachable, daemon.host))).code).toBe(1);
  });

  test("nobody there is told with the address", async () => {
    const result = await daemon.cli("tug", ["ps"], { env: { TUG_HOST: unreachable } });
    expect(result).toEqual({
      code: 1,
      stdout: "",
      stderr: `Cannot connect to the tug daemon at ${unreachable}. Is the tug daemon running?\n`,
    });
  });
});

describe("help", () => {
  test("a slip of the finger is answered with what was meant", async () => {
    expect((await tug("verison")).stderr).toContain("Did you mean 'tug version'?");
    expect((await tug("imagse")).stderr).toContain("Did you mean one of these?\n  tug image\n  tug images\n");
    expect((await tug("run", "--detatch", "busybox")).stderr).toContain("Did you mean '--detach'?");
  });

  test("every command that is listed has a page of its own", async () => {
    const top = await ok("--help");
    const names = [...top.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name!);
    expect(names).toContain("run");
    for (const name of names) expect(await ok(name, "--help")).toContain(`tug ${name}`);
  });
});

describe("completion in bash", () => {
  /** What the shell would offer for a line that ends in the last word. */
  async function complete(...words: string[]): Promise<string[]> {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const script = `source <(tug completion bash)
      COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; COMPREPLY=()
      _tug; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await shell(script);
    expect(stderr).toBe("");
    return stdout.trimEnd().split("\n");
  }

  beforeAll(async () => {
    await ok("run", "-d", "--name", "completed-running", "busybox", "sleep", "600");
    await ok("create", "--name", "completed-created", "busybox");
    await ok("tag", "busybox", "completed/image:v1");
  });
  afterAll(async () => {
    await removeAll();
    await ok("rmi", "completed/image:v1");
  });

  test.each([
    [
      ["tug", "re"],
      ["registry", "rename", "restart"],
    ],
    [
      ["tug", "container", "st"],
      ["start", "stop"],
    ],
    [
      ["tug", "run", "--netw"],
      ["--network", "--network-alias"],
    ],
    [["tug", "run", "--pull", "=", "m"], ["missing"]],
    [
      ["tug", "logs", "completed-"],
      ["completed-created", "completed-running"],
    ],
    [["tug", "stop", "completed-"], ["completed-running"]],
    [["tug", "start", "completed-"], ["completed-created"]],
    [["tug", "run", "completed/"], ["completed/image:v1"]],
    [["tug", "run", "completed/image", ":", "v"], ["v1"]],
    [["tug", "load", "-i", "/etc/hostn"], ["/etc/hostname"]],
    [["tug", "completion", "z"], ["zsh"]],
  ])("%j offers %j", async (words, offered) => {
    expect((await complete(...words)).sort()).toEqual(offered);
  });

  test("the built-in image and the loaded one are offered by name", async () => {
    await ok("load", "-i", await makeBusyboxImage());
    expect(await complete("tug", "inspect", "--type", "image", "busy")).toEqual([""]);
    expect(await complete("tug", "image", "inspect", "busy")).toEqual(["busybox:latest"]);
  });
});
