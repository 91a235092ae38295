// Makes package-lock.json fit for any registry: `node scripts/lockfile.mjs` after every `npm install`; with `--check` it
// only says whether the file is in order.
//
// 1. `resolved` addresses go: they name the registry of whoever installed last; npm finds a package by name and version.
// 2. Optional packages for other platforms that the last registry did not offer are entered by name and version, since
//    `npm ci` refuses a lock file in which one is missing. They are never fetched on a platform that is not theirs.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const before = readFileSync(file, "utf8");
const lock = JSON.parse(before);

for (const entry of Object.values(lock.packages)) delete entry.resolved;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (path !== "" && !isPlatformPackage(name)) continue;
    lock.packages[`node_modules/${name}`] ??= { version, ...platform(name), dev: entry.dev, optional: true };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));

const after = `${JSON.stringify(lock, null, 2)}\n`;
if (after !== before) {
  if (process.argv.includes("--check")) {
    console.error('package-lock.json names a registry or lacks a platform: run "node scripts/lockfile.mjs"');
    process.exit(1);
  }
  writeFileSync(file, after);
}

function isPlatformPackage(name) {
  return platform(name).os !== undefined;
}

/** What a name such as `@scope/tool-linux-arm64-musl` says about its platform. */
function platform(name) {
  const os = [
    "android",
    "darwin",
    "freebsd",
    "linux",
    "netbsd",
    "openbsd",
    "openharmony",
    "sunos",
    "aix",
    "win32",
  ].find((word) => name.includes(word));
  const cpu = ["arm64", "aarch64", "x64", "x86_64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "arm"].find(
    (word) => name.includes(word),
  );
  if (!os) return {};
  return { cpu: [{ aarch64: "arm64", x86_64: "x64" }[cpu] ?? cpu], os: [os] };
}
