import { expect, test } from "bun:test";
import { DEFAULT_REGISTRY_SETTINGS } from "#core/distribution";
import { registryConfig, withoutPassword } from "./registries.ts";

test("registryConfig() is what Docker says when nothing is configured", () => {
  expect<unknown>(registryConfig(DEFAULT_REGISTRY_SETTINGS)).toEqual({
    IndexConfigs: { "docker.io": { Mirrors: [], Name: "docker.io", Official: true, Secure: true } },
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8"],
    Mirrors: null,
  });
});

test("registryConfig() shows mirrors and insecure registries, hosts apart from networks", () => {
  const config = registryConfig({
    ...DEFAULT_REGISTRY_SETTINGS,
    mirrors: ["https://mirror.example/"],
    insecureRegistries: ["plain.example:5000", "10.0.0.0/8"],
    rules: new Map([
      ["plain.example:5000", { mirrors: ["https://near.example"], rewrite: [], insecure: false }],
      ["docker.io", { mirrors: ["https://second.example"], rewrite: [], insecure: false }],
      ["lax.example", { mirrors: [], rewrite: [], insecure: true }],
    ]),
  });
  expect(config).toMatchObject({
    IndexConfigs: {
      "docker.io": { Mirrors: ["https://mirror.example/", "https://second.example"], Official: true, Secure: true },
      "plain.example:5000": { Mirrors: ["https://near.example"], Official: false, Secure: false },
      "lax.example": { Mirrors: [], Secure: false },
    },
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", "10.0.0.0/8"],
    Mirrors: ["https://mirror.example/"],
  });
});

test.each([
  ["", ""],
  ["http://proxy.example:3128", "http://proxy.example:3128"],
  ["http://user:secret@proxy.example:3128/x", "http://xxxxx:xxxxx@proxy.example:3128/x"],
])("withoutPassword(%j) is %j", (address, shown) => expect(withoutPassword(address)).toBe(shown));
