import { expect, test } from "bun:test";
import { byteString, textOf } from "#lib/fs";
import { TAR_BLOCK, TAR_END, type TarEntry, TarScanner, tarArchive, tarHeader, tarPadding } from "./mod.ts";

/** The entries of an archive that arrives in pieces of `pieceBytes`. */
function scan(archive: Uint8Array, pieceBytes = archive.byteLength || 1): TarEntry[] {
  const entries: TarEntry[] = [];
  const scanner = new TarScanner((entry) => entries.push(entry));
  for (let at = 0; at < archive.byteLength; at += pieceBytes) scanner.push(archive.subarray(at, at + pieceBytes));
  scanner.end();
  return entries;
}

/** A header block whose fields were changed, with its checksum made right again. */
function patched(block: Uint8Array, change: (block: Buffer) => void): Uint8Array {
  const copy = Buffer.from(block);
  change(copy);
  copy.fill(0x20, 148, 156);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, "0")}\0`, 148, "latin1");
  return copy;
}

function member(typeflag: string, payload: Uint8Array | string, name = "x"): Uint8Array {
  const data = Buffer.from(payload);
  const header = tarHeader({ type: "file", name: byteString(name), mode: 0o644, size: data.byteLength });
  return Buffer.concat([patched(header, (block) => block.write(typeflag, 156)), data, tarPadding(data.byteLength)]);
}

function pax(records: Record<string, string>): Uint8Array {
  const lines = Object.entries(records).map(([name, value]) => {
    const body = ` ${name}=${value}\n`;
    const length = body.length + (body.length < 8 ? 1 : body.length < 97 ? 2 : 3);
    return length + body;
  });
  return member("x", lines.join(""));
}

const file = (name = "f") => tarHeader({ type: "file", name: byteString(name), mode: 0o644 });

test("parseTar() finds the same entries however the bytes are cut", () => {
  const archive = tarArchive([
    { type: "directory", name: byteString("d/"), mode: 0o755 },
    { type: "file", name: byteString("d/é"), mode: 0o4711, uid: 3_000_000, content: "hello" },
    { type: "symlink", name: byteString("s"), mode: 0o777, linkName: byteString("x".repeat(300)) },
  ]);
  const whole = scan(archive);
  expect(whole.map(({ name }) => textOf(name))).toEqual(["d/", "d/é", "s"]);
  for (const pieceBytes of [1, 7, 511, 512, 513, 4096]) expect(scan(archive, pieceBytes)).toEqual(whole);
});

test("parseTar() records where data starts and how much there is", () => {
  const archive = tarArchive([{ type: "file", name: byteString("a"), mode: 0o644, content: "x".repeat(700) }]);
  const [entry] = scan(archive);
  expect(entry).toMatchObject({ dataOffset: 512, storedSize: 700, size: 700 });
});

test("parseTar() applies pax records over header fields, and the last of a name", () => {
  const archive = Buffer.concat([
    pax({ path: "wrong" }),
    pax({ path: "right\nname", uid: "5000000", gid: "7", mtime: "-1.25", uname: "someone" }),
    file(),
    TAR_END,
  ]);
  expect(scan(archive)).toMatchObject([
    {
      name: "right\nname",
      uid: 5_000_000,
      gid: 7,
      userName: "someone",
      modified: { seconds: -2, nanoseconds: 750_000_000 },
    },
  ]);
});

test("parseTar() lets pax records describe one member only, global ones all that follow", () => {
  const global = patched(pax({ gid: "9" }).subarray(0, 512), (block) => block.write("g", 156));
  const archive = Buffer.concat([
    global,
    pax({ gid: "9" }).subarray(512),
    pax({ uid: "4" }),
    file("a"),
    file("b"),
    TAR_END,
  ]);
  expect(scan(archive)).toMatchObject([
    { name: "a", uid: 4, gid: 9 },
    { name: "b", uid: 0, gid: 9 },
  ]);
});

test("parseTar() takes extended attributes as bytes", () => {
  const value = new Uint8Array([0, 10, 61, 255]);
  const header = tarHeader({
    type: "file",
    name: byteString("f"),
    mode: 0o644,
    xattrs: new Map([[byteString("security.capability"), value]]),
  });
  const [entry] = scan(Buffer.concat([header, TAR_END]));
  expect([...entry!.xattrs]).toEqual([["security.capability" as never, value]]);
});

test("parseTar() joins prefix and name of ustar, but not of GNU headers", () => {
  const long = `${"p".repeat(80)}/${"n".repeat(80)}`;
  expect(scan(Buffer.concat([file(long), TAR_END]))[0]!.name).toBe(byteString(long));
  const gnu = patched(file("n"), (block) => {
    block.write("ustar  \0", 257, "latin1");
    block.write("12345670123", 345, "latin1");
  });
  expect(scan(Buffer.concat([gnu, TAR_END]))[0]!.name).toBe(byteString("n"));
});

test("parseTar() takes a V7 file whose name ends in a slash for a directory", () => {
  const v7 = patched(file("d/"), (block) => {
    block.fill(0, 257, 512);
    block[156] = 0;
  });
  expect(scan(Buffer.concat([v7, TAR_END]))[0]!.type).toBe("directory");
});

test("parseTar() ignores the size of what has no data", () => {
  const link = patched(
    tarHeader({ type: "link", name: byteString("l"), mode: 0o644, linkName: byteString("f") }),
    (block) => block.write("00000001000\0", 124, "latin1"),
  );
  expect(scan(Buffer.concat([link, file("after"), TAR_END])).map(({ name }) => name as string)).toEqual(["l", "after"]);
});

test("parseTar() takes an archive without end mark, or with only one zero block", () => {
  expect(scan(Buffer.from(file()))).toHaveLength(1);
  expect(scan(Buffer.concat([file(), new Uint8Array(TAR_BLOCK)]))).toHaveLength(1);
  expect(scan(new Uint8Array(0))).toEqual([]);
});

test("parseTar() ignores what comes after the end mark", () => {
  expect(scan(Buffer.concat([file(), TAR_END, Buffer.from("garbage".repeat(200))]))).toHaveLength(1);
});

test("parseTar() reads base-256 numbers", () => {
  const large = patched(file(), (block) => {
    block.fill(0, 108, 116);
    block[108] = 0x80;
    block.writeUInt32BE(3_000_000_000, 112);
    block.fill(0xff, 136, 148);
  });
  expect(scan(Buffer.concat([large, TAR_END]))).toMatchObject([{ uid: 3_000_000_000, modified: { seconds: -1 } }]);
});

const sparse01 = (records: Record<string, string>, stored: string) =>
  Buffer.concat([pax({ "GNU.sparse.name": "real", ...records }), member("0", stored, "GNUSparseFile.0/real"), TAR_END]);

const malformed: readonly [what: string, archive: Uint8Array, reason: string][] = [
  ["a wrong checksum", Buffer.from(file()).fill("y", 0, 1), "invalid header checksum"],
  ["a cut-off header", file().subarray(0, 300), "unexpected end"],
  ["cut-off data", member("0", "x".repeat(600)).subarray(0, 1024), "unexpected end"],
  ["data cut off in its last block", member("0", "x".repeat(100)).subarray(0, 550), "unexpected end"],
  ["a pax header without member", pax({ path: "a" }), "unexpected end"],
  ["a pax header before the end mark", Buffer.concat([pax({ path: "a" }), TAR_END]), "unexpected end"],
  ["a number that is none", patched(file(), (block) => block.write("9", 130)), "size is not a number"],
  ["a negative size", patched(file(), (block) => block.fill(0xff, 124, 136)), "negative size"],
  ["an empty name", patched(file(), (block) => block.fill(0, 0, 100)), "empty name"],
  ["an empty link name", patched(file(), (block) => block.write("2", 156)), "empty name"],
  ["an unknown type", patched(file(), (block) => block.write("Z", 156)), 'unsupported member type "Z"'],
  ["a NUL in a pax path", Buffer.concat([pax({ path: "a\0b" }), file()]), "NUL in a name"],
  ["a pax record beyond its header", member("x", "99 path=a\n"), "invalid length of a pax record"],
  ["a pax record without end", member("x", "10 path=ab"), "invalid length of a pax record"],
  ["a pax record without length", member("x", "path=a\n"), "invalid length of a pax record"],
  ["a pax record of length 0", member("x", "0 a=b\n"), "invalid length of a pax record"],
  ["a pax record without name", member("x", "5 =b\n"), "pax record without a name"],
  ["a pax header of 2 MiB", member("x", "x".repeat(2 ** 21)), "extension header of 2097152 bytes"],
  ["a GNU name of 5000 bytes", member("L", "x".repeat(5000)), "extension header of 5000 bytes"],
  [
    "extension headers without end",
    Buffer.concat(Array.from({ length: 40 }, () => pax({ path: "a" }))),
    "too many extension headers",
  ],
  ["a user id out of range", Buffer.concat([pax({ uid: "4294967295" }), file()]), 'invalid user id "4294967295"'],
  ["a time that is none", Buffer.concat([pax({ mtime: "soon" }), file()]), 'invalid time "soon"'],
  [
    "a sparse map that overlaps",
    sparse01({ "GNU.sparse.size": "99", "GNU.sparse.map": "0,2,1,2" }, "abcd"),
    "inconsistent map",
  ],
  [
    "a sparse map beyond the file",
    sparse01({ "GNU.sparse.size": "3", "GNU.sparse.map": "0,4" }, "abcd"),
    "inconsistent map",
  ],
  [
    "a sparse map for other data",
    sparse01({ "GNU.sparse.size": "99", "GNU.sparse.map": "0,2" }, "abcd"),
    "inconsistent map",
  ],
  [
    "a sparse map of odd length",
    sparse01({ "GNU.sparse.size": "99", "GNU.sparse.map": "0,4,8" }, "abcd"),
    "inconsistent map",
  ],
  ["a sparse file without size", sparse01({ "GNU.sparse.map": "0,4" }, "abcd"), "inconsistent map"],
  [
    "a sparse map that is text",
    sparse01({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "9" }, "hello"),
    "inconsistent map",
  ],
];

test("parseTar() refuses attributes without end, which compress to nothing", () => {
  const xattrs = new Map(Array.from({ length: 15 }, (_, i) => [byteString(`user.${i}`), new Uint8Array(64 * 1024)]));
  const header = tarHeader({ type: "file", name: byteString("f"), mode: 0o644, xattrs });
  const scanner = new TarScanner(() => {});
  const push = () => {
    for (let i = 0; i < 600; i++) scanner.push(header);
  };
  expect(push).toThrow("too many names and attributes");
});

for (const [what, archive, reason] of malformed)
  test(`parseTar() refuses ${what}`, () => {
    expect(() => scan(archive)).toThrow(
      expect.objectContaining({ kind: "invalid-parameter", message: expect.stringContaining(reason) }),
    );
  });
