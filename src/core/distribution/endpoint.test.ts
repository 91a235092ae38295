import { describe, expect, test } from "bun:test";
import type { RepositoryName } from "#api/distribution";
import { endpointsOf } from "./endpoint.ts";
import { DEFAULT_REGISTRY_SETTINGS, type RegistryRule } from "./settings.ts";

const rule = (parts: Partial<RegistryRule>): RegistryRule => ({ mirrors: [], rewrite: [], insecure: false, ...parts });

function addresses(name: string, action: "pull" | "push", rules: Record<string, RegistryRule>, mirrors: string[] = []) {
  const settings = { ...DEFAULT_REGISTRY_SETTINGS, mirrors, rules: new Map(Object.entries(rules)) };
  return endpointsOf(name as RepositoryName, action, settings).map(({ base, path }) => `${base.href}v2/${path}/`);
}

describe("endpointsOf()", () => {
  test("leads to Docker Hub's own host", () => {
    expect(addresses("docker.io/library/busybox", "pull", {})).toEqual([
      "https://registry-1.docker.io/v2/library/busybox/",
    ]);
  });

  test("leads to a registry with its port", () => {
    expect(addresses("[::1]:5000/a/b", "pull", {})).toEqual(["https://[::1]:5000/v2/a/b/"]);
  });

  test("asks mirrors of Docker Hub first, those of its rule before those of all", () => {
    const rules = { "docker.io": rule({ mirrors: ["http://own.test"] }) };
    expect(addresses("docker.io/library/a", "pull", rules, ["https://mirror.test/hub/"])).toEqual([
      "http://own.test/v2/library/a/",
      "https://mirror.test/hub/v2/library/a/",
      "https://registry-1.docker.io/v2/library/a/",
    ]);
  });

  test("knows mirrors of any registry, and pushes past them", () => {
    const rules = { "example.test": rule({ mirrors: ["https://m.test/"] }) };
    expect(addresses("example.test/a", "pull", rules, ["https://hub.test/"])).toEqual([
      "https://m.test/v2/a/",
      "https://example.test/v2/a/",
    ]);
    expect(addresses("example.test/a", "push", rules)).toEqual(["https://example.test/v2/a/"]);
  });

  test("rewrites the path by the first rule that fits, at mirrors too", () => {
    const rewrite = [
      { from: "team/", to: "org/team/" },
      { from: "te", to: "never" },
    ];
    const rules = { "example.test": rule({ mirrors: ["https://m.test/"], rewrite }) };
    expect(addresses("example.test/team/app", "pull", rules)).toEqual([
      "https://m.test/v2/org/team/app/",
      "https://example.test/v2/org/team/app/",
    ]);
    expect(addresses("example.test/other", "push", rules)).toEqual(["https://example.test/v2/other/"]);
  });
});
