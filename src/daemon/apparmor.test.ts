import { expect, test } from "bun:test";
import { defaultAppArmorProfile, type HostFacts, type HostReader } from "#core/runtime";
import { createLogger } from "#lib/log";
import { loadAppArmor } from "./apparmor.ts";

/** A machine whose parser ends as told; a profile is loaded when it ends well. */
function machine({ loaded = "", exitCode = 0, stderr = "" }) {
  const calls: { argv: readonly string[]; input: string | undefined }[] = [];
  const lines: string[] = [];
  let profiles = loaded;
  const reader: HostReader = {
    readText: (path) => (path === "/sys/kernel/security/apparmor/profiles" ? profiles : undefined),
    list: () => [],
    stat: () => undefined,
    isLink: () => false,
  };
  const capture = async (argv: readonly string[], input?: string) => {
    calls.push({ argv, input });
    if (exitCode === 0) profiles += "tug-default (enforce)\n";
    return { exitCode, stdout: "", stderr };
  };
  const logger = createLogger({
    level: "info",
    format: "text",
    now: () => new Date(0),
    write: (line) => void lines.push(line),
  });
  return { calls, lines, tools: { reader, capture, logger, parser: "/sbin/apparmor_parser" } };
}

const host = { apparmor: true, apparmorDefault: "" } as HostFacts;

test("loadAppArmor() gives the profile to the parser and makes it the default", async () => {
  const { calls, lines, tools } = machine({ loaded: "docker-default (enforce)\n" });
  expect((await loadAppArmor(host, tools)).apparmorDefault).toBe("tug-default");
  expect(calls).toEqual([
    {
      argv: ["/sbin/apparmor_parser", "--replace", "--skip-cache", "--quiet"],
      input: defaultAppArmorProfile(),
    },
  ]);
  expect(lines).toEqual([]);
});

test("loadAppArmor() touches nothing where the kernel has no AppArmor", async () => {
  const { calls, tools } = machine({});
  const without = { ...host, apparmor: false };
  expect(await loadAppArmor(without, tools)).toBe(without);
  expect(calls).toEqual([]);
});

test("loadAppArmor() says that containers are not confined when the parser is missing", async () => {
  const { lines, tools } = machine({});
  expect((await loadAppArmor(host, { ...tools, parser: undefined })).apparmorDefault).toBe("");
  expect(lines.join("")).toContain("apparmor_parser is not installed");
  expect(lines.join("")).toContain("containers run without AppArmor");
});

test("loadAppArmor() falls back to a profile that is loaded, and says why", async () => {
  const { lines, tools } = machine({ loaded: "docker-default (enforce)\n", exitCode: 1, stderr: "syntax error\n" });
  expect((await loadAppArmor(host, tools)).apparmorDefault).toBe("docker-default");
  expect(lines.join("")).toContain("apparmor_parser: syntax error");
  expect(lines.join("")).toContain("containers run under docker-default");
});
