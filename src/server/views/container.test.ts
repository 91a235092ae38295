import { describe, expect, test } from "bun:test";
import type { ContainerID } from "#core/containers";
import type { Endpoint } from "#core/networks";
import { container } from "../_testing.ts";
import { containerInspect, containerSummary } from "./container.ts";
import created from "./golden/inspect-created.json";
import running from "./golden/inspect-running.json";
import rows from "./golden/list.json";

/** What a Docker 28.5 said of these containers, and records as our engine would hold them for the same requests. */
const webRow = rows.find((row) => row.Names[0] === "/tughttp-1");
const bridgeID = running.NetworkSettings.Networks.bridge.NetworkID;
const networkIDs = (name: string) => (name === "bridge" ? bridgeID : "");

const endpoint: Endpoint = {
  networkName: "bridge",
  networkID: bridgeID,
  endpointID: running.NetworkSettings.EndpointID,
  macAddress: running.NetworkSettings.MacAddress,
  address: "172.17.0.2",
  prefixLength: 16,
  gateway: "172.17.0.1",
  ports: [
    { protocol: "tcp", containerPort: 80, hostAddress: "0.0.0.0", hostPort: 18080 },
    { protocol: "tcp", containerPort: 80, hostAddress: "::", hostPort: 18080 },
    { protocol: "udp", containerPort: 81, hostAddress: "127.0.0.1", hostPort: 18081 },
  ],
  hostInterface: "veth0",
};

const web = container({
  id: running.Id as ContainerID,
  name: "tughttp-1",
  createdAt: running.Created,
  imageName: "tughttp-bb:1",
  path: "busybox",
  args: ["sleep", "1000"],
  config: {
    Hostname: running.Config.Hostname,
    ExposedPorts: { "80/tcp": {}, "81/udp": {} },
    Env: ["A=b"],
    Cmd: ["busybox", "sleep", "1000"],
    Image: "tughttp-bb:1",
    Labels: { a: "b", x: "y" },
  },
  hostConfig: {
    Binds: ["/tmp:/mnt:ro"],
    NetworkMode: "bridge",
    PortBindings: {
      "80/tcp": [{ HostIp: "", HostPort: "18080" }],
      "81/udp": [{ HostIp: "127.0.0.1", HostPort: "18081" }],
    },
    CgroupnsMode: "host",
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    Tmpfs: { "/t2": "" },
    Runtime: "runc",
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    Devices: [],
    Ulimits: [],
    Mounts: [{ Type: "tmpfs", Target: "/tm", TmpfsOptions: { SizeBytes: 1048576 } }],
    MaskedPaths: running.HostConfig.MaskedPaths,
    ReadonlyPaths: running.HostConfig.ReadonlyPaths,
  },
  mounts: [
    { Type: "bind", Source: "/tmp", Destination: "/mnt", Mode: "ro", RW: false, Propagation: "rprivate" },
    { Type: "tmpfs", Source: "", Destination: "/tm", Mode: "", RW: true, Propagation: "" } as never,
  ],
  state: {
    status: "running",
    pid: running.State.Pid,
    startTicks: 1,
    startedAt: running.State.StartedAt,
    finishedAt: "",
  },
  endpoint,
});

const paths = {
  log: running.LogPath,
  hosts: running.HostsPath,
  hostname: running.HostnamePath,
  resolvConf: running.ResolvConfPath,
};
const facts = { paths, appArmorProfile: "", execIDs: [], links: [], storageDriver: "overlay2", networkIDs };

describe("containerInspect()", () => {
  test("is what Docker says of a running container", () => {
    const view = containerInspect(web, { ...facts, size: { rw: 0, rootFs: running.SizeRootFs } });
    expect(view as object).toEqual({
      ...running,
      // Ours: there are no directories to name, and the namespace lives with the process.
      GraphDriver: { Name: "overlay2", Data: null },
      NetworkSettings: {
        ...running.NetworkSettings,
        SandboxID: running.Id,
        SandboxKey: `/proc/${running.State.Pid}/ns/net`,
      },
    });
  });

  test("is what Docker says of a container that nobody configured or started", () => {
    const bare = container({
      id: created.Id as ContainerID,
      name: "tughttp-min",
      createdAt: created.Created,
      path: "sh",
      config: {
        Hostname: created.Config.Hostname,
        ExposedPorts: { "80/tcp": {} },
        Env: ["A=b"],
        Cmd: ["sh"],
        Image: "tughttp-bb:1",
        Labels: { x: "y" },
      },
      hostConfig: {
        CgroupnsMode: "host",
        Runtime: "runc",
        MaskedPaths: created.HostConfig.MaskedPaths,
        ReadonlyPaths: created.HostConfig.ReadonlyPaths,
      },
    });
    expect(containerInspect(bare, facts) as object).toEqual({
      ...created,
      GraphDriver: { Name: "overlay2", Data: null },
    });
  });

  test("names the AppArmor profile", () => {
    expect(containerInspect(web, { ...facts, appArmorProfile: "tug-default" }).AppArmorProfile).toBe("tug-default");
  });

  test("names the running execs and, before the first start, no files", () => {
    expect(containerInspect(web, { ...facts, execIDs: ["e1"] })).toMatchObject({ ExecIDs: ["e1"], LogPath: paths.log });
    expect(containerInspect(container(), facts)).toMatchObject({ ExecIDs: null, LogPath: "", HostsPath: "" });
  });
});

describe("containerSummary()", () => {
  const row = (fields: Parameters<typeof container>[0], size?: { rw: number; rootFs: number }) =>
    containerSummary(container(fields), {
      image: "tughttp-bb:1",
      linkNames: [],
      networkIDs,
      now: new Date(Date.parse(running.State.StartedAt) + 300_000),
      ...(size && { size }),
    });

  test("is what Docker says of a running container", () => {
    expect(row(web, { rw: 0, rootFs: running.SizeRootFs }) as object).toEqual({ ...webRow, Status: "Up 5 minutes" });
  });

  test("quotes arguments with blanks", () => {
    expect(row({ path: "busybox", args: ["sh", "-c", "exit 3"] }).Command).toBe("busybox sh -c 'exit 3'");
  });

  test("shows exposed ports that are not published, without a public side", () => {
    const exposed = { config: { ExposedPorts: { "90/udp": {} } }, endpoint: { ...endpoint, ports: [] } };
    expect(row(exposed).Ports).toEqual([{ PrivatePort: 90, Type: "udp" }]);
  });

  test.each([
    ["host", { NetworkMode: "host" }, {}, ["host"]],
    ["none", { NetworkMode: "none" }, {}, ["none"]],
    ["another container's", { NetworkMode: "container:x" }, {}, []],
    ["no", {}, { NetworkDisabled: true }, []],
    ["the default", { NetworkMode: "default" }, {}, ["bridge"]],
  ])("lists the networks of a container with %s network", (_, hostConfig, config, names) => {
    expect(Object.keys(row({ hostConfig, config }).NetworkSettings?.Networks ?? {})).toEqual(names);
  });

  test("leaves out sizes of nothing", () => {
    expect(row({}, { rw: 5, rootFs: 0 })).toMatchObject({ SizeRw: 5 });
    expect(row({}, { rw: 5, rootFs: 0 })).not.toHaveProperty("SizeRootFs");
  });
});
