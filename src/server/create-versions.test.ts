import { describe, expect, test } from "bun:test";
import type { HostConfig } from "#api/engine";
import { asOfVersion } from "./create-versions.ts";

const hostConfig: HostConfig = {
  Annotations: { a: "b" },
  ConsoleSize: [1, 2],
  Mounts: [{ Type: "bind", BindOptions: { NonRecursive: true, CreateMountpoint: true, ReadOnlyNonRecursive: true } }],
};
const documents = {
  config: { Healthcheck: { StartInterval: 1, Interval: 2 } },
  hostConfig,
  networking: { EndpointsConfig: { bridge: { MacAddress: "02:00:00:00:00:01", GwPriority: 1 } } },
};

describe("asOfVersion()", () => {
  test("changes nothing of a request of today", () => {
    expect(asOfVersion(documents, 51)).toEqual(documents);
  });

  test("leaves out what 1.43 did not know", () => {
    const { config, networking, hostConfig: kept } = asOfVersion(documents, 43);
    expect(config.Healthcheck).toEqual({ Interval: 2 });
    expect(networking.EndpointsConfig?.bridge).toEqual({ GwPriority: 1 });
    expect(kept.Mounts?.[0]?.BindOptions).toEqual({ NonRecursive: true, CreateMountpoint: true });
    expect(kept.Annotations).toEqual({ a: "b" });
  });

  test.each([
    [undefined, { default: { MacAddress: "02:00:00:00:00:02" } }],
    ["host", undefined],
    ["container:x", undefined],
  ])("puts the MAC address of 1.43 where it belongs on network %s", (NetworkMode, expected) => {
    const config = { MacAddress: "02:00:00:00:00:02", Cmd: ["x"] };
    const asked = { config, hostConfig: NetworkMode ? { NetworkMode } : {}, networking: {} };
    const { config: kept, networking } = asOfVersion(asked, 43);
    expect(kept).toEqual({ Cmd: ["x"] });
    expect(networking.EndpointsConfig).toEqual(expected as never);
  });

  test.each([
    [42, { ConsoleSize: [1, 2] }],
    [41, {}],
    [40, { CgroupnsMode: "host" }],
    [39, { CgroupnsMode: "host", IpcMode: "shareable" }],
  ] as const)("has the defaults of 1.%i", (version, expected) => {
    const { Mounts: _, ...kept } = asOfVersion(documents, version).hostConfig;
    expect(kept).toEqual(expected as HostConfig);
  });

  test("keeps what an old client asked for", () => {
    const asked = { ...documents, hostConfig: { IpcMode: "private", CgroupnsMode: "private" as const } };
    expect(asOfVersion(asked, 24).hostConfig).toEqual(asked.hostConfig);
  });
});
