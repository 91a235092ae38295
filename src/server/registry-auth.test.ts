import { expect, test } from "bun:test";
import { isKind } from "#lib/errors";
import { metaHeaders, readCredentials, registryAuth } from "./registry-auth.ts";

const headers = (value: string) => ({ headers: new Map([["x-registry-auth", value]]) });
const LOGIN = { username: "tester", password: "pä?>ss" };

test.each(["base64", "base64url"] as const)("registryAuth() reads %s, padded or not", (encoding) => {
  const text = Buffer.from(JSON.stringify(LOGIN)).toString(encoding);
  expect(registryAuth(headers(text))).toEqual(LOGIN);
  expect(registryAuth(headers(text.replace(/=+$/, "")))).toEqual(LOGIN);
  expect(registryAuth(headers(text.padEnd(Math.ceil(text.length / 4) * 4, "=")))).toEqual(LOGIN);
});

test.each(["", "e30=", "!!!", "bm90IGpzb24", btoa("[]"), btoa("null"), btoa('{"username":1}'), btoa('"x"')])(
  "registryAuth() takes %j for no credentials",
  (text) => expect(registryAuth(headers(text))).toBeUndefined(),
);

test("registryAuth() finds none without the header", () => {
  expect(registryAuth({ headers: new Map() })).toBeUndefined();
});

test.each([
  [
    { Username: "a", PASSWORD: "b" },
    { username: "a", password: "b" },
  ],
  [{ username: "a", password: "", email: "x@y" }, { username: "a" }],
  [{ auth: btoa("a:b:c") }, { username: "a", password: "b:c" }],
  [{ auth: btoa("a:b"), username: "own" }, { username: "own" }],
  [{ auth: "no colon" }, undefined],
  [
    { identitytoken: "t", serveraddress: "r.test" },
    { identityToken: "t", serverAddress: "r.test" },
  ],
  [{ registrytoken: "t", username: null }, { registryToken: "t" }],
])("readCredentials(%j)", (value, credentials) => expect(readCredentials(value)).toEqual(credentials as never));

test.each([[null], [[]], ["text"], [{ password: 5 }]])("readCredentials(%j) throws, and shows no secret", (value) => {
  try {
    readCredentials(value);
    throw new Error("it did not throw");
  } catch (error) {
    expect(isKind(error, "invalid-parameter")).toBe(true);
    expect(String(error)).not.toContain("5");
  }
});

test("metaHeaders() picks what is for the registry", () => {
  const given = new Map([
    ["x-meta-team", "a"],
    ["x-registry-auth", "secret"],
  ]);
  expect(metaHeaders({ headers: given })).toEqual({ "x-meta-team": "a" });
});
