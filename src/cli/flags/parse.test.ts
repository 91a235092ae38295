import { expect, test } from "bun:test";
import { isKind } from "#lib/errors";
import { bool, int, list, string } from "./flag.ts";
import { parseFlags } from "./parse.ts";

const table = {
  all: bool({ short: "a", help: "" }),
  follow: bool({ short: "f", default: true, help: "" }),
  name: string({ short: "n", help: "" }),
  label: list({ short: "l", help: "" }),
  count: int({ short: "c", default: -1, help: "" }),
  time: int({ deprecated: "use --count instead", help: "" }),
};

function parse(...argv: string[]) {
  return parseFlags(table, argv, { stopAtFirstArgument: false });
}

test.each([
  [["--all", "x"], { all: true }, ["x"]],
  [["--all=false"], { all: false }, []],
  [["--follow=0"], { follow: false }, []],
  [["--name", "v"], { name: "v" }, []],
  [["--name=v=w"], { name: "v=w" }, []],
  [["--name="], { name: "" }, []],
  [["--name", "-x"], { name: "-x" }, []],
  [["-nv"], { name: "v" }, []],
  [["-n=v"], { name: "v" }, []],
  [["-n", "v"], { name: "v" }, []],
  [["-afn", "v", "x"], { all: true, follow: true, name: "v" }, ["x"]],
  [["-anv"], { all: true, name: "v" }, []],
  [["-l", "a", "x", "-l", "b"], { label: ["a", "b"] }, ["x"]],
  [["--", "-a"], { all: false }, ["-a"]],
  [["-", "x"], {}, ["-", "x"]],
  [["-c", "-5"], { count: -5 }, []],
  [["-c0x10"], { count: 16 }, []],
] as const)("parseFlags() reads %j", (argv, values, args) => {
  const parsed = parse(...argv);
  if (parsed === "help") throw new Error("not help");
  expect<unknown>(parsed.values).toMatchObject(values);
  expect(parsed.args).toEqual([...args]);
});

test.each([
  [["--nope"], "unknown flag: --nope"],
  [["-ax"], "unknown shorthand flag: 'x' in -x"],
  [["--name"], "flag needs an argument: --name"],
  [["-an"], "flag needs an argument: 'n' in -an"],
  [["---x"], "bad flag syntax: ---x"],
  [["--=x"], "bad flag syntax: --=x"],
  [
    ["--all=maybe"],
    'invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [["--time=x"], 'invalid argument "x" for "--time" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [["--constructor"], "unknown flag: --constructor"],
] as const)("parseFlags() refuses %j", (argv, message) => {
  expect(() => parse(...argv)).toThrow(message);
});

test("parseFlags() stops at the first argument when the rest is another program's", () => {
  const parsed = parseFlags(table, ["-a", "image", "-a", "--name", "--"], { stopAtFirstArgument: true });
  expect(parsed).toMatchObject({ args: ["image", "-a", "--name", "--"], values: { all: true } });
});

test("parseFlags() knows what was given, whatever its value", () => {
  const parsed = parse("--count", "-1");
  expect(parsed !== "help" && [...parsed.given]).toEqual(["count"]);
});

test("parseFlags() takes --help and a free -h for the wish to be helped", () => {
  expect(parse("x", "--help")).toBe("help");
  expect(parse("-ah")).toBe("help");
  const taken = { hostname: string({ short: "h", help: "" }) };
  expect(parseFlags(taken, ["-h", "x"], { stopAtFirstArgument: false })).toMatchObject({ values: { hostname: "x" } });
});

test("parseFlags() says once that a flag is deprecated", () => {
  const parsed = parse("--time", "1", "--time", "2");
  expect(parsed !== "help" && parsed.warnings).toEqual(["Flag --time has been deprecated, use --count instead"]);
});

test("parseFlags() suggests flags that are spelt alike, and none that is hidden", () => {
  const suggestionsFor = (word: string): unknown => {
    try {
      return parse(word);
    } catch (error) {
      return isKind(error, "invalid-parameter") && error.data.suggestions;
    }
  };
  expect(suggestionsFor("--lable")).toEqual(["--label"]);
  expect(suggestionsFor("--tine")).toEqual([]);
});
