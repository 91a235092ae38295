import type { Containers } from "#core/containers";
import {
  acceptOnly,
  booleanFilter,
  type Filters,
  matchExact,
  matchLabels,
  matchPattern,
  parseFilters,
} from "#core/events";
import type { NetworkInfo, Networks } from "#core/networks";
import { EngineError, isKind } from "#lib/errors";
import type { HttpResponse } from "#lib/http";
import { invalid, notImplemented } from "../errors.ts";
import { readObject } from "../json-body.ts";
import { json } from "../reply.ts";
import { type ApiRequest, get, post, type Route, remove } from "../router.ts";
import { networkView } from "../views/network.ts";

interface NetworkParts {
  readonly networks: Pick<Networks, "list" | "get" | "endpoints">;
  readonly containers: Pick<Containers, "get">;
}

const PREDEFINED = new Set(["bridge", "host", "none"]);

/** The networks every engine has. Others come with a later version, so what would make or change one is refused. */
export function networkRoutes(parts: NetworkParts): Route[] {
  const { networks } = parts;
  const all = (request: ApiRequest) => list(networks, request);
  return [
    get("/networks", all),
    get("/networks/", all),
    post("/networks/create", create),
    post("/networks/prune", ({ query }) => {
      acceptOnly(parseFilters(query.text("filters")), ["label", "label!", "until"]);
      return json({ NetworksDeleted: null });
    }),
    get("/networks/{id}", (request) => inspect(parts, request)),
    post("/networks/{id}/connect", (request) => changeMembers(parts, request)),
    post("/networks/{id}/disconnect", (request) => changeMembers(parts, request)),
    remove("/networks/{id}", ({ params }) => {
      const { name } = networks.get(params.id ?? "");
      throw new EngineError("forbidden", `${name} is a pre-defined network and cannot be removed`);
    }),
  ];
}

function list(networks: Pick<Networks, "list" | "endpoints">, request: ApiRequest): HttpResponse {
  const filters = parseFilters(request.query.text("filters"));
  const dangling = booleanFilter(filters, "dangling");
  const chosen = networks.list().filter((network) => matches(network, filters) && dangling !== true);
  return json(chosen.map((network) => networkView(network)));
}

/** Keys that are not known are ignored here, as in Docker. */
function matches(network: NetworkInfo, filters: Filters): boolean {
  return (
    matchExact(filters, "driver", network.driver) &&
    matchPattern(filters, "id", network.id) &&
    matchPattern(filters, "name", network.name) &&
    (matchExact(filters, "idOrName", network.name) || matchPattern(filters, "idOrName", network.id)) &&
    matchLabels(filters, "label", {}) &&
    matchExact(filters, "scope", "local") &&
    matchExact(filters, "type", PREDEFINED.has(network.name) ? "builtin" : "custom")
  );
}

function inspect({ networks, containers }: NetworkParts, { params, query }: ApiRequest): HttpResponse {
  if (query.has("verbose") && !/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(query.text("verbose"))) {
    const verbose = query.text("verbose");
    throw invalid(
      `invalid value for verbose: ${verbose}: strconv.ParseBool: parsing ${JSON.stringify(verbose)}: invalid syntax`,
    );
  }
  const network = networks.get(params.id ?? "");
  if (!["", "local"].includes(query.text("scope")))
    throw new EngineError("not-found", `network ${params.id} not found`);
  return json(networkView(network, networks.endpoints(network.id), (id) => containerName(containers, id)));
}

/** Empty for a container that went while we looked. */
function containerName(containers: Pick<Containers, "get">, id: string): string {
  try {
    return containers.get(id).name;
  } catch (error) {
    if (isKind(error, "not-found")) return "";
    throw error;
  }
}

async function create(request: ApiRequest): Promise<HttpResponse> {
  const name = await readText(request, "Name");
  if (name === "") throw invalid("invalid name: name is empty");
  if (PREDEFINED.has(name)) {
    throw new EngineError("forbidden", `operation is not permitted on predefined ${name} network `);
  }
  throw notImplemented("creating networks");
}

async function changeMembers({ networks, containers }: NetworkParts, request: ApiRequest): Promise<HttpResponse> {
  const container = await readText(request, "Container");
  const network = networks.get(request.params.id ?? "");
  containers.get(container);
  if (network.name === "host") {
    throw invalid("cannot connect container to host network - container must be created in host network mode");
  }
  throw notImplemented("connecting containers to networks and disconnecting them after they were created");
}

async function readText(request: ApiRequest, field: string): Promise<string> {
  const value = (await readObject(request))[field];
  return typeof value === "string" ? value : "";
}
