/** Debian and Ubuntu packages that the build and the tests need, by name. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fail, output, ROOT, run } from "./shell.ts";

/** What is needed, each with a file or command that shows it is there. */
const BUILD = {
  gcc: "/usr/bin/gcc",
  make: "/usr/bin/make",
  "libc6-dev": "/usr/include/stdio.h",
  "linux-libc-dev": "/usr/include/linux/mount.h",
};
const TEST = {
  "busybox-static": "/bin/busybox",
  "python3-docker": "/usr/lib/python3/dist-packages/docker/__init__.py",
  procps: "/bin/ps",
  iproute2: "/sbin/ip",
  nftables: "/usr/sbin/nft",
  runc: "/usr/sbin/runc",
  "erofs-utils": "/usr/bin/fsck.erofs",
  skopeo: "/usr/bin/skopeo",
  openssl: "/usr/bin/openssl",
};

const BENCH = { wrk: "/usr/bin/wrk", openssl: TEST.openssl };

export async function ensureBuildPackages(): Promise<void> {
  await install(BUILD);
}

export async function ensureTestPackages(): Promise<void> {
  await install({ ...BUILD, ...TEST });
}

export async function ensureBenchPackages(): Promise<void> {
  await install(BENCH);
}

async function install(packages: Record<string, string>): Promise<void> {
  const missing = Object.entries(packages)
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => name);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (!existsSync("/usr/bin/apt-get"))
    fail(`these Debian packages are needed, and this is no Debian or Ubuntu: ${missing.join(" ")}`);
  if (process.getuid?.() !== 0) fail(`packages are missing; run as root: ${command}`);
  console.log(`dev: installing ${missing.join(" ")}`);
  await run(["apt-get", "update", "-qq"], { quiet: true });
  await run(command.split(" "), { quiet: true, env: { DEBIAN_FRONTEND: "noninteractive" } });
}

/**
 * The unmodified `docker` command line: the one that is installed, else taken out of Debian's package without installing
 * the engine that comes with it.
 */
export async function dockerCli(): Promise<string> {
  const installed = Bun.which("docker");
  if (installed) return installed;
  const name = output(["apt-cache", "show", "--no-all-versions", "docker-cli"]) ? "docker-cli" : "docker.io";
  return programOf(name, "usr/bin/docker");
}

/** Debian's registry: the one that is installed, else taken out of its package, which would start a service. */
export async function debianRegistry(): Promise<string> {
  return Bun.which("docker-registry") ?? (await programOf("docker-registry", "usr/bin/docker-registry"));
}

/** A program of a package that is not installed for it, unpacked once below build/. */
async function programOf(name: string, program: string): Promise<string> {
  const folder = join(ROOT, "build/packages", name);
  const path = join(folder, program);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  await run(["apt-get", "download", "-qq", name], { cwd: folder, quiet: true });
  const archive =
    output(["sh", "-c", `ls "${folder}"/${name}_*.deb`]) ?? fail(`apt-get download ${name} brought nothing`);
  await run(["dpkg-deb", "--extract", archive, folder], { quiet: true });
  return path;
}
