import { expect, test } from "bun:test";
import { resolveUser } from "./users.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const files = {
  passwd: encode(
    "root:x:0:0:root:/root:/bin/sh\n# a comment\nweb:x:1000:100:Web:/srv/web:/bin/sh\nbroken:x:abc:1\n12:x:77:7::/twelve:\n",
  ),
  group: encode("root:x:0:root\nusers:x:100:\nvideo:x:44:web,other\naudio:x:29:root,web\nhuge:x:99999999999:web\n"),
};

test.each([
  ["", { uid: 0, gid: 0, groups: [0, 29], home: "/root" }],
  ["root", { uid: 0, gid: 0, groups: [0, 29], home: "/root" }],
  ["web", { uid: 1000, gid: 100, groups: [44, 29], home: "/srv/web" }],
  ["1000", { uid: 1000, gid: 100, groups: [44, 29], home: "/srv/web" }],
  ["web:video", { uid: 1000, gid: 44, groups: [], home: "/srv/web" }],
  ["web:5", { uid: 1000, gid: 5, groups: [], home: "/srv/web" }],
  ["4242", { uid: 4242, gid: 0, groups: [], home: "/" }],
  ["4242:4343", { uid: 4242, gid: 4343, groups: [], home: "/" }],
  [":users", { uid: 0, gid: 100, groups: [], home: "/root" }],
])("resolveUser(%p) follows passwd and group", (spec, expected) => {
  expect(resolveUser(spec, files)).toEqual(expected);
});

test("resolveUser() adds groups by name and number, each once", () => {
  expect(resolveUser("web", files, ["video", "29", "777"]).groups).toEqual([44, 29, 777]);
});

test.each([
  ["nope", "unable to find user nope: no matching entries in passwd file"],
  ["broken", "unable to find user broken: no matching entries in passwd file"],
  ["web:nope", "unable to find group nope: no matching entries in group file"],
  ["5000000000", "uids and gids must be in range 0-2147483647"],
  ["1:5000000000", "uids and gids must be in range 0-2147483647"],
  ["-1", "unable to find user -1: no matching entries in passwd file"],
])("resolveUser(%p) is refused in Docker's words", (spec, message) => {
  expect(() => resolveUser(spec, files)).toThrow(message);
});

test("resolveUser() needs no files for numbers and root", () => {
  const none = { passwd: undefined, group: undefined };
  expect(resolveUser("", none)).toEqual({ uid: 0, gid: 0, groups: [], home: "/" });
  expect(resolveUser("7:8", none)).toEqual({ uid: 7, gid: 8, groups: [], home: "/" });
  expect(() => resolveUser("x", none)).toThrow("unable to find user x");
});
