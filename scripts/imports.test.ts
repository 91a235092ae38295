/** Holds every import to the table of docs/ARCHITECTURE.md: which module may know which. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");

/** Core modules from the left to the right: each may import those before it. */
const CORE = [
  "events",
  "content",
  "snapshots",
  "volumes",
  "networks",
  "runtime",
  "distribution",
  "images",
  "containers",
  "gc",
];

/** Module → modules it may import, besides itself. `core` stands for all of core. */
const TABLE: Record<string, readonly string[]> = {
  lib: [],
  api: ["lib"],
  executor: ["lib"],
  core: ["executor", "api", "lib"],
  builder: ["core", "api", "lib"],
  cri: ["core", "api", "lib"],
  registry: ["api", "lib"],
  swarm: ["api", "lib"],
  server: ["core", "builder", "swarm", "api", "lib"],
  daemon: ["server", "builder", "cri", "registry", "swarm", "core", "executor", "api", "lib"],
  client: ["api", "lib"],
  compose: ["client", "api", "lib"],
  cli: ["compose", "client", "api", "lib"],
  cmd: ["cli", "daemon"],
};

interface Import {
  file: string;
  specifier: string;
}

test("imports point the way the table says", () => {
  const wrong = allImports().filter((entry) => !isAllowed(entry));
  expect(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
});

test("a border is crossed by its alias only, and inside a module paths are relative", () => {
  const wrong = allImports().filter(({ file, specifier }) => {
    const target = targetOf(file, specifier);
    if (!target) return false;
    const crosses = area(target) !== area(file);
    return specifier.startsWith("#") !== crosses;
  });
  expect(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
});

function isAllowed({ file, specifier }: Import): boolean {
  const target = targetOf(file, specifier);
  if (!target) return true;
  const from = moduleOf(file);
  const to = moduleOf(target);
  if (from === "core" && to === "core") return CORE.indexOf(area(target).slice(5)) <= CORE.indexOf(area(file).slice(5));
  return from === to || (TABLE[from] ?? []).includes(to);
}

/** `src/core/images/load.ts` → `core`; `cmd/main.ts` → `cmd`. */
function moduleOf(path: string): string {
  const parts = path.split("/");
  return (parts[0] === "src" ? parts[1] : parts[0]) ?? "";
}

/** What one `mod.ts` is the door of: `core/images`, `lib/tar`, `api/engine`, `server`. */
function area(path: string): string {
  const [, top = "", second = ""] = path.split("/");
  return path.startsWith("src/") && ["core", "lib", "api"].includes(top) ? `${top}/${second}` : moduleOf(path);
}

/** The file of ours that an import leads to, relative to the root; undefined for packages, built-ins and data. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.endsWith(".json")) return undefined;
  if (specifier.startsWith("#")) return `src/${specifier.slice(1)}/mod.ts`;
  if (specifier.startsWith(".")) return relative(ROOT, resolve(ROOT, dirname(file), specifier));
  return undefined;
}

function allImports(): Import[] {
  return (
    ["cmd", "src"]
      .flatMap((folder) =>
        sources(folder).flatMap((file) => {
          const text = readFileSync(join(ROOT, file), "utf8");
          const found = text.matchAll(/^\s*(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm);
          return [...found].map((match) => ({ file, specifier: match[1] ?? match[2] ?? "" }));
        }),
      )
      .filter(({ specifier }) => !specifier.includes("/build/"))
      // Test images are for tests alone, wherever these stand.
      .filter(
        ({ file, specifier }) =>
          !(specifier === "#fixtures" && /(\/_(fake|harness|testing)[^/]*|\.test|conformance)\.ts$/.test(file)),
      )
  );
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(ROOT, path)).isDirectory()) return sources(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}
