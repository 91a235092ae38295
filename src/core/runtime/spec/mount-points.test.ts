import { describe, expect, test } from "bun:test";
import type { HostConfig } from "#api/engine";
import { hostFiles } from "../_fixtures.ts";
import { mountPoints } from "./mount-points.ts";
import { checkPropagation } from "./propagation.ts";

function points(hostConfig: object) {
  return mountPoints(hostConfig as HostConfig);
}

describe("mountPoints()", () => {
  test("reads binds with their options", () => {
    expect(points({ Binds: ["/srv/../srv/data/:/data/:ro,Z,rslave"] })).toEqual([
      {
        type: "bind",
        source: "/srv/data",
        destination: "/data",
        mode: "ro,Z,rslave",
        rw: false,
        propagation: "rslave",
        recursive: true,
        recursiveReadonly: "if-possible",
        createSource: true,
        listed: true,
      },
    ]);
  });

  test("reads mounts of type bind, whose source has to be there", () => {
    const options = { Propagation: "private", NonRecursive: true, ReadOnlyNonRecursive: true };
    const [point] = points({
      Mounts: [{ Type: "bind", Source: "/srv", Target: "/x", ReadOnly: true, BindOptions: options }],
    });
    expect(point).toMatchObject({
      recursive: false,
      recursiveReadonly: "no",
      propagation: "private",
      createSource: false,
    });
  });

  test("reads tmpfs of both spellings; only mounts are listed", () => {
    const hostConfig = {
      Tmpfs: { "/a": "exec,size=64m,mode=700", "/b": "" },
      Mounts: [
        {
          Type: "tmpfs",
          Target: "/c",
          ReadOnly: true,
          TmpfsOptions: { SizeBytes: 4096, Mode: 0o700, Options: [["exec"]] },
        },
      ],
    };
    expect(points(hostConfig)).toEqual([
      {
        type: "tmpfs",
        destination: "/c",
        rw: false,
        listed: true,
        options: ["nosuid", "nodev", "rprivate", "ro", "mode=700", "size=4096", "exec"],
      },
      {
        type: "tmpfs",
        destination: "/a",
        rw: true,
        listed: false,
        options: ["nosuid", "nodev", "rprivate", "exec", "size=64m", "mode=700"],
      },
      { type: "tmpfs", destination: "/b", rw: true, listed: false, options: ["noexec", "nosuid", "nodev", "rprivate"] },
    ]);
  });

  test("reads mounts of images, all of one or a part", () => {
    const image = (subpath: object) =>
      points({ Mounts: [{ Type: "image", Source: "tools:1", Target: "/x/", ...subpath }] });
    const whole = { type: "image", reference: "tools:1", subpath: "", destination: "/x", rw: false, listed: true };
    expect(image({})).toEqual([whole as never]);
    expect(image({ ImageOptions: { Subpath: "." } })).toEqual([whole as never]);
    expect(image({ ImageOptions: { Subpath: "usr/./bin" } })).toEqual([{ ...whole, subpath: "usr/bin" } as never]);
  });

  test("takes null for nothing, as Go clients send it", () => {
    const bind = { Type: "bind", Source: "/srv", Target: "/x", BindOptions: null, VolumeOptions: null };
    expect(points({ Binds: null, Tmpfs: null, Mounts: [bind] })).toHaveLength(1);
  });

  const bind = (parts: object) => ({ Mounts: [{ Type: "bind", Source: "/usr", Target: "/x", ...parts }] });
  const tmpfs = (parts: object) => ({ Mounts: [{ Type: "tmpfs", Target: "/x", ...parts }] });

  test.each([
    [
      { Binds: ["/usr:x"] },
      `invalid volume specification: '/usr:x': invalid mount config for type "bind": invalid mount path: 'x' mount path must be absolute`,
    ],
    [{ Binds: ["/usr:/x:foo"] }, "invalid mode: foo"],
    [{ Binds: ["/usr:/x:ro,rw"] }, "invalid mode: ro,rw"],
    [{ Binds: ["/usr:/x:private,shared"] }, "invalid mode: private,shared"],
    [
      { Binds: ["/usr:/"] },
      `invalid volume specification: '/usr:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
    [{ Binds: ["/usr:/x/.."] }, "destination can't be '/'"],
    [
      { Binds: ["/usr:/x:nocopy"] },
      `invalid volume specification: '/usr:/x:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
    ],
    [{ Binds: ["v:/x:rw:z"] }, "invalid volume specification: 'v:/x:rw:z'"],
    [{ Binds: ["/usr:ro"] }, "invalid volume specification: '/usr:ro'"],
    [{ Binds: ["a b:/x"] }, `create a b: "a b" includes invalid characters for a local volume name`],
    [{ Binds: ["data:/x"] }, "names a volume"],
    [{ Binds: ["/usr:/x", "/tmp:/x/"] }, "Duplicate mount point: /x"],
    [{ Binds: ["/usr:/x"], Tmpfs: { "/x": "" } }, "Duplicate mount point: /x"],
    [bind({ Target: "/" }), `invalid mount config for type "bind": invalid specification: destination can't be '/'`],
    [bind({ Target: "" }), `invalid mount config for type "bind": field Target must not be empty`],
    [bind({ Source: "" }), `invalid mount config for type "bind": field Source must not be empty`],
    [
      bind({ Source: "foo" }),
      `invalid mount config for type "bind": invalid mount path: 'foo' mount path must be absolute`,
    ],
    [bind({ TmpfsOptions: {} }), `TmpfsOptions must not be specified on mount type "bind"`],
    [
      bind({ BindOptions: { Propagation: "foo" } }),
      `invalid mount config for type "bind": invalid propagation mode: foo`,
    ],
    [
      bind({ BindOptions: { ReadOnlyNonRecursive: true } }),
      "mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive",
    ],
    [bind({ Type: "foo" }), `invalid mount config for type "foo": mount type unknown`],
    [bind({ Type: "volume" }), "this engine has bind and tmpfs mounts only"],
    [bind({ ImageOptions: {} }), 'invalid mount config for type "bind": field ImageOptions must not be specified'],
    [bind({ Type: "cluster" }), 'invalid mount config for type "cluster": mount type unknown'],
    [bind({ Type: "image", Source: "" }), 'invalid mount config for type "image": field Source must not be empty'],
    ...["/bin", "..", "../x", "a/../../x"].map((Subpath): [object, string] => [
      bind({ Type: "image", ImageOptions: { Subpath } }),
      'invalid mount config for type "image": subpath must be a relative path within the volume',
    ]),
    [tmpfs({ Source: "/y" }), `invalid mount config for type "tmpfs": field Source must not be specified`],
    [tmpfs({ TmpfsOptions: { Options: [["bogus"]] } }), `invalid mount config for type "tmpfs": invalid option: bogus`],
    [tmpfs({ TmpfsOptions: { SizeBytes: -1 } }), "invalid size: -1"],
    [{ Tmpfs: { "/x": "foo" } }, 'invalid tmpfs option "foo"'],
    [{ Tmpfs: { x: "" } }, "invalid mount path: 'x' mount path must be absolute"],
  ])("refuses %j", (hostConfig, message) => {
    expect(() => points(hostConfig)).toThrow(message);
  });
});

describe("checkPropagation()", () => {
  const check = (source: string, propagation: string) => {
    const [point] = points({ Binds: [`${source}:/x:${propagation}`] });
    if (point?.type === "bind") checkPropagation(point, hostFiles);
  };

  test("lets shares and slaves of shared mounts pass, and whatever is private", () => {
    expect(() => check("/srv", "rshared")).not.toThrow();
    expect(() => check("/srv", "rslave")).not.toThrow();
    expect(() => check("/private/a", "rprivate")).not.toThrow();
  });

  test.each([
    ["/private/a", "rslave", "path /private/a is mounted on /private but it is not a shared or slave mount"],
    ["/private", "rshared", "path /private is mounted on /private but it is not a shared mount"],
  ])("refuses %s with %s", (source, propagation, message) => {
    expect(() => check(source, propagation)).toThrow(message);
  });
});
