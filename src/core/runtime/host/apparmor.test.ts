import { expect, test } from "bun:test";
import { DEFAULT_PROFILES, defaultAppArmorProfile } from "./apparmor.ts";

test("defaultAppArmorProfile() defines the preferred profile and stands by itself", () => {
  const text = defaultAppArmorProfile();
  expect(text).toContain(`profile ${DEFAULT_PROFILES[0]} flags=`);
  expect(text).not.toContain("include");
  expect(text.match(/\{/g)?.length).toBe(text.match(/\}/g)?.length ?? 0);
  for (const rule of ["deny mount,", "deny /sys/firmware/** rwklx,", "deny @{PROC}kcore rwklx,"])
    expect(text).toContain(rule);
});
