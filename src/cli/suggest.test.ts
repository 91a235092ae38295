import { expect, test } from "bun:test";
import { nearest } from "./suggest.ts";

const commands = ["run", "rm", "rmi", "ps", "pause", "images", "image", "inspect", "container"];

test.each([
  ["rnu", ["run"]],
  ["inspcet", ["inspect"]],
  ["contain", ["container"]],
  ["imagse", ["image", "images"]],
  ["RUN", ["run"]],
  ["sp", ["ps"]],
  ["xyzzy", []],
] as const)("nearest() takes %s for what was meant", (word, meant) => {
  expect(nearest(word, commands)).toEqual([...meant]);
});
