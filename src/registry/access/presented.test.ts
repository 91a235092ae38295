import { expect, test } from "bun:test";
import { presentedBy } from "./presented.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test.each([
  [undefined, { kind: "nothing" }],
  ["", { kind: "nothing" }],
  [basic("alice:secret"), { kind: "password", username: "alice", password: "secret" }],
  [basic("alice:a:b"), { kind: "password", username: "alice", password: "a:b" }],
  [basic("zoë:ключ"), { kind: "password", username: "zoë", password: "ключ" }],
  [basic(":"), { kind: "password", username: "", password: "" }],
  ["basic YTpi", { kind: "password", username: "a", password: "b" }],
  ["Bearer abc.def-ghi", { kind: "token", token: "abc.def-ghi" }],
  ["BEARER  x", { kind: "token", token: "x" }],
  [basic("no colon"), { kind: "unknown" }],
  ["Basic !!!", { kind: "unknown" }],
  ["Basic", { kind: "unknown" }],
  ["Basic YTpi YTpi", { kind: "unknown" }],
  ["Digest username=x", { kind: "unknown" }],
  [`Bearer ${"x".repeat(17 * 1024)}`, { kind: "unknown" }],
])("presentedBy() reads %p", (header, expected) => {
  expect<unknown>(presentedBy(new Headers(header === undefined ? {} : { Authorization: header }))).toEqual(expected);
});
