import { describe, expect, test } from "bun:test";
import type { Endpoint } from "#core/networks";
import { EngineError } from "#lib/errors";
import { call, container, NETWORKS, testApi } from "../_testing.ts";

const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const EXPERIMENTAL =
  "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.";

const { api } = testApi({
  containers: { get: () => container() },
  networks: {
    get: (name) => {
      const found = NETWORKS.find((network) => network.name === name);
      if (!found) throw new EngineError("not-found", `network ${name} not found`);
      return found;
    },
  },
});

/** What clients look at everywhere, answered as by a Docker 28.5 that has nothing of it. */
describe("an engine without plugins and swarm", () => {
  test.each([
    ["GET /plugins", "[]"],
    ["POST /build/prune", '{"CachesDeleted":null,"SpaceReclaimed":0}'],
    ["POST /networks/prune", '{"NetworksDeleted":null}'],
  ])("%s answers %s", async (line, text) => {
    expect(await call(api, line)).toMatchObject({ status: 200, text: `${text}\n` });
  });

  test.each([
    ["PUT /volumes/x?version=1", 503, "volume update only valid for cluster volumes, but swarm is unavailable"],
    ["GET /plugins/x/json", 404, 'plugin "x" not found'],
    ["DELETE /plugins/x", 404, 'plugin "x" not found'],
    ["GET /swarm", 503, NOT_A_MANAGER],
    ["GET /nodes", 503, NOT_A_MANAGER],
    ["GET /nodes/self", 503, NOT_A_MANAGER],
    ["GET /services", 503, NOT_A_MANAGER],
    ["POST /services/create", 503, NOT_A_MANAGER],
    ["GET /services/x/logs", 503, NOT_A_MANAGER],
    ["GET /tasks", 503, NOT_A_MANAGER],
    ["DELETE /secrets/x", 503, NOT_A_MANAGER],
    ["POST /configs/x/update", 503, NOT_A_MANAGER],
    ["GET /swarm/unlockkey", 503, NOT_A_MANAGER],
    ["POST /swarm/leave", 503, "This node is not part of a swarm"],
    ["POST /session", 400, "no upgrade proto in request"],
    ["POST /grpc", 500, "no upgrade proto in request"],
    ["POST /build/cancel", 400, "build ID not provided"],
    ["GET /containers/x/checkpoints", 501, EXPERIMENTAL],
    ["DELETE /containers/x/checkpoints/y", 501, EXPERIMENTAL],
    ['GET /plugins?filters={"nope":["a"]}', 400, "invalid filter 'nope'"],
    ['POST /networks/prune?filters={"nope":["a"]}', 400, "invalid filter 'nope'"],
  ])("%s answers %i %s", async (line, status, message) => {
    expect(await call(api, line)).toMatchObject({ status, text: `${JSON.stringify({ message })}\n` });
  });

  test.each([
    ["POST /swarm/init", "swarm mode"],
    ["POST /volumes/create", "creating volumes"],
    ["POST /plugins/pull", "installing plugins"],
    ["POST /build", "building images"],
    ["POST /containers/x/update", "changing the limits of a container"],
    ["GET /containers/x/stats", "the statistics of a container"],
  ])("%s says that %s is not there yet", async (line, feature) => {
    const message = `${feature} is not implemented in this version of tug`;
    expect(await call(api, line)).toMatchObject({ status: 501, text: `${JSON.stringify({ message })}\n` });
  });

  test("an upgrade to BuildKit's transport is refused by name", async () => {
    expect((await call(api, "POST /grpc", { headers: { upgrade: "h2c" } })).status).toBe(501);
  });
});

describe("networks", () => {
  const endpoint: Endpoint = {
    networkName: "bridge",
    networkID: "n",
    endpointID: "e",
    macAddress: "02:42:ac:11:00:02",
    address: "172.17.0.2",
    prefixLength: 16,
    gateway: "172.17.0.1",
    ports: [],
    hostInterface: "veth0",
  };

  const names = async (query: string) =>
    JSON.parse((await call(api, `GET /networks${query}`)).text).map((network: { Name: string }) => network.Name);

  test.each([
    ["", ["bridge", "host", "none"]],
    ["/", ["bridge", "host", "none"]],
    ['?filters={"driver":["null"]}', ["none"]],
    ['?filters={"name":["o"]}', ["host", "none"]],
    ['?filters={"id":["bridge0"]}', ["bridge"]],
    ['?filters={"type":["custom"]}', []],
    ['?filters={"scope":["swarm"]}', []],
    ['?filters={"label":["a"]}', []],
    ['?filters={"dangling":["true"]}', []],
    ['?filters={"nope":["a"]}', ["bridge", "host", "none"]],
  ])("GET /networks%s lists %j", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test("GET /networks/{id} shows who is connected, though a container may be gone by then", async () => {
    const { api } = testApi({
      networks: {
        endpoints: () =>
          new Map([
            ["c1", endpoint],
            ["gone", endpoint],
          ]),
      },
      containers: {
        get: (id) => {
          if (id !== "c1") throw new EngineError("not-found", "gone");
          return container();
        },
      },
    });
    const rest = {
      EndpointID: "e",
      MacAddress: "02:42:ac:11:00:02",
      IPv4Address: "172.17.0.2/16",
      IPv6Address: "",
    };
    expect(JSON.parse((await call(api, "GET /networks/bridge")).text).Containers).toEqual({
      c1: { Name: "web", ...rest },
      gone: { Name: "", ...rest },
    });
  });

  test.each([
    ["GET /networks/nope", {}, 404, "network nope not found"],
    ["GET /networks/bridge?scope=swarm", {}, 404, "network bridge not found"],
    [
      "GET /networks/bridge?verbose=x",
      {},
      400,
      'invalid value for verbose: x: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    ["DELETE /networks/bridge", {}, 403, "bridge is a pre-defined network and cannot be removed"],
    ["DELETE /networks/nope", {}, 404, "network nope not found"],
    ["POST /networks/create", {}, 400, "invalid name: name is empty"],
    ["POST /networks/create", { Name: "bridge" }, 403, "operation is not permitted on predefined bridge network "],
    ["POST /networks/create", { Name: "mine" }, 501, "creating networks is not implemented in this version of tug"],
    ["POST /networks/nope/connect", { Container: "a" }, 404, "network nope not found"],
    [
      "POST /networks/host/connect",
      { Container: "a" },
      400,
      "cannot connect container to host network - container must be created in host network mode",
    ],
  ])("%s %j answers %i %s", async (line, body, status, message) => {
    expect(await call(api, line, { body })).toMatchObject({ status, text: `${JSON.stringify({ message })}\n` });
  });
});
