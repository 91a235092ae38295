import { describe, expect, test } from "bun:test";
import { type AccessRule, compileRules } from "./rules.ts";

const alice = { name: "alice" };
const bob = { name: "bob" };
const nobody = { name: undefined };

describe("compileRules() without rules", () => {
  test.each([
    ["none", []],
    ["pull", ["pull"]],
    ["push", ["pull", "push"]],
    ["all", ["pull", "push", "delete"]],
  ] as const)("gives anonymous clients %s, and everybody with an account everything", (anonymous, expected) => {
    const rights = compileRules({ anonymous });
    expect([...rights(nobody, "a")]).toEqual([...expected]);
    expect([...rights(alice, "a")]).toEqual(["pull", "push", "delete"]);
  });
});

describe("compileRules()", () => {
  const rules: AccessRule[] = [
    { repositories: ["team/**"], groups: ["dev"], actions: ["pull", "push"] },
    { repositories: ["team/app"], users: ["alice"], actions: ["delete"] },
    { repositories: ["public/*", "hello"], anonymous: true, users: ["*"], actions: ["pull"] },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what users write
    { repositories: ["home/${user}/**"], users: ["*"], actions: ["pull", "push", "delete"] },
  ];
  const rights = compileRules({ anonymous: "none", rules, groups: new Map([["dev", ["alice", "bob"]]]) });

  test.each([
    ["those of all rules that fit", alice, "team/app", ["pull", "push", "delete"]],
    ["those of a group", bob, "team/app", ["pull", "push"]],
    ["nothing to anybody else", { name: "eve" }, "team/app", []],
    ["nothing to anonymous clients by a rule for users", nobody, "team/app", []],
    ["to anonymous clients what says so", nobody, "public/x", ["pull"]],
    ["to any account what is for *", { name: "eve" }, "hello", ["pull"]],
    ["everybody their own", { name: "eve" }, "home/eve/a/b", ["pull", "push", "delete"]],
    ["nobody what is another's", { name: "eve" }, "home/alice/a", []],
    ["nothing by a name that would be a pattern", { name: "**" }, "home/alice/a", []],
    ["nothing by a name that would be a path", { name: "alice/a" }, "home/alice/a/b", []],
    ["nothing where no rule fits", alice, "other", []],
  ])("grants %s", (_, principal, repository, expected) => {
    expect<unknown[]>([...rights(principal, repository)]).toEqual(expected);
  });

  test("adds to what anonymous clients may", () => {
    const open = compileRules({ anonymous: "pull", rules });
    expect([...open({ name: "eve" }, "team/app")]).toEqual(["pull"]);
  });

  test("refuses a pattern that is none, with a user in it or without", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what users write
    for (const pattern of ["a[", "${user}/["]) {
      const rule: AccessRule = { repositories: [pattern], actions: ["pull"] };
      expect(() => compileRules({ anonymous: "none", rules: [rule] })).toThrow("invalid pattern");
    }
  });
});
