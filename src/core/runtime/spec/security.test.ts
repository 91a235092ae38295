import { expect, test } from "bun:test";
import type { HostConfig } from "#api/engine";
import { hybridHost, unifiedHost } from "../_fixtures.ts";
import { confinement, parseSecurity } from "./security.ts";

const CASES: [HostConfig, string][] = [
  [{}, "docker-default"],
  [{ Privileged: true }, "unconfined"],
  [{ Privileged: true, SecurityOpt: ["apparmor=own"] }, "own"],
  [{ SecurityOpt: ["apparmor:own"] }, "own"],
  [{ SecurityOpt: ["apparmor=unconfined"] }, "unconfined"],
];

test.each(CASES)("confinement() of %j is %s, and nothing where there is no AppArmor", (hostConfig, profile) => {
  expect(confinement(hostConfig, unifiedHost)).toBe(profile);
  expect(confinement(hostConfig, hybridHost)).toBe("");
});

test.each(CASES)("parseSecurity() of %j puts processes under %s", (hostConfig, profile) => {
  expect(parseSecurity(hostConfig, unifiedHost).apparmorProfile || "unconfined").toBe(profile);
});
