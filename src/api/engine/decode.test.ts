import { describe, expect, test } from "bun:test";
import { BODY_SHAPES, decodeBody } from "./mod.ts";

const decode = (body: unknown) => decodeBody(body, BODY_SHAPES.ContainerCreate);

describe("decodeBody()", () => {
  test("takes field names in any case, drops unknown fields and nulls", () => {
    const body = { image: "a", HOSTCONFIG: { memory: 5, Nope: 1, Dns: null }, Nope: {}, Env: null };
    expect(decode(body)).toEqual({ Image: "a", HostConfig: { Memory: 5 } });
  });

  test("keeps what a map's keys are spelled like, and gives null values Go's zero", () => {
    expect(decode({ Labels: { MiXed: "x", none: null } })).toEqual({ Labels: { MiXed: "x", none: "" } });
    expect(decode({ HostConfig: { PortBindings: { "80/tcp": null } } })).toEqual({
      HostConfig: { PortBindings: { "80/tcp": null } },
    });
  });

  test("takes a single string for a command", () => {
    expect(decode({ Cmd: "sh", Entrypoint: ["a"] })).toEqual({ Cmd: ["sh"], Entrypoint: ["a"] });
  });

  test("keeps a key that means something to JavaScript as data", () => {
    const decoded = decode(JSON.parse('{"Labels":{"__proto__":"x"},"__proto__":{"Image":"y"}}'));
    expect(Object.keys(decoded)).toEqual(["Labels"]);
    expect(Object.entries(decoded.Labels as object)).toEqual([["__proto__", "x"]]);
    expect(decoded.Image).toBeUndefined();
  });

  // The texts were seen on a Docker 28.5.
  test.each([
    [{ hostconfig: { memory: "x" } }, "cannot unmarshal string into Go struct field .hostconfig.memory of type int64"],
    [{ Env: "x" }, "cannot unmarshal string into Go struct field .Env of type []string"],
    [{ Labels: { a: 1 } }, "cannot unmarshal number into Go struct field .Labels.a of type string"],
    [
      { HostConfig: { Memory: 1.5 } },
      "cannot unmarshal number 1.5 into Go struct field .HostConfig.Memory of type int64",
    ],
    [{ Tty: 1 }, "cannot unmarshal number into Go struct field .Tty of type bool"],
    [[], "cannot unmarshal array into Go value of type container.CreateRequest"],
    ["x", "cannot unmarshal string into Go value of type container.CreateRequest"],
  ])("refuses %j", (body, message) => {
    expect(() => decode(body)).toThrow(`invalid JSON: json: ${message}`);
  });

  test("takes the command of an exec as a list only, and names its type", () => {
    expect(() => decodeBody({ Cmd: "sh" }, BODY_SHAPES.ContainerExec)).toThrow(
      "invalid JSON: json: cannot unmarshal string into Go struct field ExecOptions.Cmd of type []string",
    );
  });
});
