import { expect, test } from "bun:test";
import { specInput } from "../_fixtures.ts";
import { buildSpec } from "./build.ts";
import { formatSpec, parseSpec } from "./text.ts";

test("formatSpec() writes unlimited and large numbers as unsigned ones, and parseSpec() reads them back", () => {
  const profile = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}`;
  const hostConfig = { Ulimits: [{ Name: "core", Soft: 0, Hard: -1 }], SecurityOpt: [`seccomp=${profile}`] };
  const spec = buildSpec(specInput({ hostConfig }));
  const text = formatSpec(spec);
  expect(text).toContain('{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}');
  expect(text).toContain('"value":18446744073709551615');
  expect(parseSpec(text)).toEqual(spec);
});

test("parseSpec() refuses what is no document", () => {
  expect(() => parseSpec("{")).toThrow("runtime-spec document: ");
  expect(() => parseSpec("null")).toThrow("it is not an object");
});
