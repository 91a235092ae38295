import { describe, expect, test } from "bun:test";
import type { DeviceRequest } from "#api/engine";
import { device, fakeReader, planInput, specInput } from "../_fixtures.ts";
import type { HostReader } from "../host/reader.ts";
import { compilePlan } from "../plan/compile.ts";
import { buildSpec } from "../spec/build.ts";
import { requestedDevices } from "./inject-devices.ts";

const GPU = JSON.stringify({
  cdiVersion: "0.6.0",
  kind: "vendor.com/gpu",
  containerEdits: {
    env: ["VENDOR=1", "FOO=device"],
    mounts: [{ hostPath: "/usr/lib/vendor", containerPath: "/usr/lib/vendor", options: ["ro", "bind"] }],
  },
  devices: [
    {
      name: "0",
      containerEdits: {
        deviceNodes: [
          { path: "/dev/gpu0", permissions: "rw" },
          { path: "/dev/gpu-control", hostPath: "/dev/gpuctl", fileMode: 438, uid: 5, gid: 6 },
        ],
        additionalGids: [44],
      },
    },
    { name: "named", containerEdits: { deviceNodes: [{ path: "/dev/fake", type: "c", major: 200, minor: 7 }] } },
  ],
});
const YAML = `
cdiVersion: "1.0.0"
kind: vendor.com/net
devices:
  - name: port:1
    containerEdits:
      env: [PORT=1]
`;

function hostWith(files: Readonly<Record<string, string>>): HostReader {
  return fakeReader({
    "/proc/kcore": "",
    "/dev/gpu0": device("char", 195, 0),
    "/dev/gpuctl": device("char", 195, 255),
    "/dev/disk": device("block", 8, 0),
    ...files,
  });
}

const HOST = hostWith({ "/etc/cdi/gpu.json": GPU, "/var/run/cdi/net.yaml": YAML });

function spec(requests: DeviceRequest[], reader = HOST) {
  const input = specInput({ config: { Env: ["FOO=user"] }, hostConfig: { DeviceRequests: requests } });
  return buildSpec({ ...input, reader });
}

function cdi(...names: string[]): DeviceRequest[] {
  return [{ Driver: "cdi", DeviceIDs: names }];
}

describe("a device of the Container Device Interface", () => {
  test("brings its nodes, and the right to use them", () => {
    const { linux } = spec(cdi("vendor.com/gpu=0"));
    expect(linux?.devices).toEqual([
      { path: "/dev/gpu0", type: "c", major: 195, minor: 0 },
      { path: "/dev/gpu-control", type: "c", major: 195, minor: 255, fileMode: 438, uid: 5, gid: 6 },
    ]);
    expect(linux?.resources?.devices?.slice(-2)).toEqual([
      { allow: true, type: "c", major: 195, minor: 0, access: "rw" },
      { allow: true, type: "c", major: 195, minor: 255, access: "rwm" },
    ]);
  });

  test("brings variables, groups and mounts, outer mounts before inner ones", () => {
    const { process, mounts } = spec(cdi("vendor.com/gpu=0", "vendor.com/net=port:1"));
    expect(process?.env).toEqual(expect.arrayContaining(["VENDOR=1", "FOO=device", "PORT=1"]));
    expect(process?.user.additionalGids).toEqual([0, 44]);
    expect(mounts?.find(({ destination }) => destination === "/usr/lib/vendor")).toEqual({
      destination: "/usr/lib/vendor",
      type: "bind",
      source: "/usr/lib/vendor",
      options: ["ro", "bind"],
    });
    const depths = mounts?.map(({ destination }) => destination.split("/").length) ?? [];
    expect(depths).toEqual([...depths].sort((a, b) => a - b));
  });

  test("may describe its node itself", () => {
    expect(spec(cdi("vendor.com/gpu=named")).linux?.devices).toEqual([
      { path: "/dev/fake", type: "c", major: 200, minor: 7 },
    ]);
  });

  test("is in the plan", () => {
    const ops = compilePlan({ ...planInput(), spec: spec(cdi("vendor.com/gpu=0")) }).inside;
    expect(ops).toContainEqual(expect.objectContaining({ op: "device", target: "/dev/gpu0", major: 195, minor: 0 }));
  });

  test("belongs to the container's user when nobody says otherwise", () => {
    const input = specInput({ hostConfig: { DeviceRequests: cdi("vendor.com/gpu=0") } });
    const { linux } = buildSpec({ ...input, reader: HOST, user: { ...input.user, uid: 1000, gid: 100 } });
    expect(linux?.devices?.[0]).toMatchObject({ uid: 1000, gid: 100 });
    expect(linux?.devices?.[1]).toMatchObject({ uid: 5, gid: 6 });
  });

  test("keeps its hooks for a runtime that runs them", () => {
    const hook = { hookName: "createContainer", path: "/usr/bin/hook", args: ["hook", "x"] };
    const file = { cdiVersion: "0.6.0", kind: "a.b/c", devices: [{ name: "x", containerEdits: { hooks: [hook] } }] };
    const hooked = spec(cdi("a.b/c=x"), hostWith({ "/etc/cdi/a.json": JSON.stringify(file) }));
    expect(hooked.hooks?.createContainer).toEqual([{ path: "/usr/bin/hook", args: ["hook", "x"], env: [] }]);
    expect(() => compilePlan({ ...planInput(), spec: hooked })).toThrow("hooks need another runtime");
  });
});

/** Requests, and what dockerd 28.5 says of them. */
test.each<[DeviceRequest, string]>([
  [{ Count: -1, Capabilities: [["gpu"]] }, 'could not select device driver "" with capabilities: [[gpu]]'],
  [{ Capabilities: [["cdi"]], DeviceIDs: ["a.b/c=x"] }, 'could not select device driver "" with capabilities: [[cdi]]'],
  [{ Driver: "cdi", Count: 1 }, "unexpected count in CDI device request"],
  [{ Driver: "cdi", Options: { a: "b" } }, "unexpected options in CDI device request"],
  [
    { Driver: "cdi", DeviceIDs: ["x", "a.b/c=x", "x"] },
    "CDI device injection failed: unresolvable CDI devices x, a.b/c=x",
  ],
])("requestedDevices() refuses %j", (request, message) => {
  expect(() => requestedDevices({ DeviceRequests: [request] }, HOST)).toThrow(message);
});

test("requestedDevices() asks for nothing without requests", () => {
  expect(requestedDevices({}, HOST)).toEqual([]);
  expect(requestedDevices({ DeviceRequests: cdi() }, HOST)).toEqual([]);
});

test("requestedDevices() prefers what was put there at run time, and takes neither of two of one directory", () => {
  const other = JSON.stringify({
    cdiVersion: "0.6.0",
    kind: "vendor.com/gpu",
    devices: [{ name: "0", containerEdits: { env: ["OTHER=1"] } }],
  });
  const later = hostWith({ "/etc/cdi/gpu.json": GPU, "/var/run/cdi/gpu.json": other });
  expect(requestedDevices({ DeviceRequests: cdi("vendor.com/gpu=0") }, later)[0]?.edits[1]?.env).toEqual(["OTHER=1"]);
  const twice = hostWith({ "/etc/cdi/gpu.json": GPU, "/etc/cdi/other.json": other });
  expect(() => requestedDevices({ DeviceRequests: cdi("vendor.com/gpu=0") }, twice)).toThrow("unresolvable");
  expect(requestedDevices({ DeviceRequests: cdi("vendor.com/gpu=named") }, twice)).toHaveLength(1);
});

test.each([
  "{",
  "[]",
  "x: [",
  '{"kind":"a.b/c","devices":[{"name":"x"}]}',
  '{"cdiVersion":"9.0.0","kind":"a.b/c","devices":[{"name":"x"}]}',
  '{"cdiVersion":"0.6.0","kind":"a/b/c","devices":[{"name":"x"}]}',
  '{"cdiVersion":"0.6.0","kind":"a.b/c","devices":{"name":"x"}}',
  '{"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"x"},{"name":"-"}]}',
  '{"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"x","containerEdits":{"deviceNodes":[{"path":"dev"}]}}]}',
  '{"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"x","containerEdits":{"netDevices":[]}}]}',
  '{"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"x","containerEdits":{"deviceNodes":[{"path":"/x","major":"a"}]}}]}',
])("a file that is wrong describes no device: %s", (text) => {
  const reader = hostWith({ "/etc/cdi/a.json": text, "/etc/cdi/readme.txt": GPU });
  expect(() => requestedDevices({ DeviceRequests: cdi("a.b/c=x") }, reader)).toThrow(
    "unresolvable CDI devices a.b/c=x",
  );
});

test.each([
  [{ path: "/dev/none" }, 'failed to stat CDI host device "/dev/none": no such file or directory'],
  [{ path: "/dev/gpu0", type: "b" }, 'CDI device ("/dev/gpu0", "/dev/gpu0"), host type mismatch (b, c)'],
  [{ path: "/x", hostPath: "/proc/kcore" }, 'CDI host device "/proc/kcore": not a device node'],
])("a start fails for a device node that is not as described: %j", (node, message) => {
  const file = {
    cdiVersion: "0.6.0",
    kind: "a.b/c",
    devices: [{ name: "x", containerEdits: { deviceNodes: [node] } }],
  };
  const reader = hostWith({ "/etc/cdi/a.json": JSON.stringify(file) });
  expect(() => spec(cdi("a.b/c=x"), reader)).toThrow(`CDI device injection failed: ${message}`);
});
