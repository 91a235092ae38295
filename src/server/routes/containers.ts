import { BODY_SHAPES, type ContainerConfig, type HostConfig, type NetworkingConfig } from "#api/engine";
import type { Container, Containers, CreateRequest, StopOptions, WaitCondition, WaitOutcome } from "#core/containers";
import { type Filters, parseFilters } from "#core/events";
import type { Images } from "#core/images";
import type { Networks } from "#core/networks";
import type { HttpResponse } from "#lib/http";
import type { SystemBackend } from "../backends.ts";
import { asOfVersion } from "../create-versions.ts";
import { invalid } from "../errors.ts";
import { readJson } from "../json-body.ts";
import { empty, json, text } from "../reply.ts";
import { type ApiRequest, get, post, type Route, remove } from "../router.ts";
import { containerInspect, containerSummary } from "../views/container.ts";

type Backend = Pick<
  Containers,
  | "create"
  | "plan"
  | "start"
  | "stop"
  | "restart"
  | "kill"
  | "pause"
  | "unpause"
  | "rename"
  | "remove"
  | "links"
  | "namesByLinks"
  | "prune"
  | "wait"
  | "get"
  | "list"
  | "size"
  | "top"
  | "paths"
  | "appArmorProfile"
  | "execIDs"
  | "health"
>;

interface ContainerParts {
  readonly containers: Backend;
  readonly images: Pick<Images, "find">;
  readonly networks: Pick<Networks, "list">;
  readonly system: Pick<SystemBackend, "identity">;
  readonly now: () => Date;
}

/** The life of containers, and what can be seen of them. */
export function containerRoutes(parts: ContainerParts): Route[] {
  const { containers } = parts;
  const done = async (work: Promise<void>) => {
    await work;
    return empty(204);
  };
  return [
    get("/containers/json", (request) => list(parts, request)),
    post("/containers/create", (request) => create(containers, request)),
    post("/tug/plan", (request) => plan(containers, request)),
    post("/containers/prune", (request) => prune(containers, request)),
    get("/containers/{id}/json", (request) => inspect(parts, request)),
    get("/containers/{id}/top", (request) => top(containers, request)),
    post("/containers/{id}/start", (request) => start(containers, request)),
    post("/containers/{id}/stop", (request) => done(containers.stop(id(request), stopOptions(request)))),
    post("/containers/{id}/restart", (request) => done(containers.restart(id(request), stopOptions(request)))),
    post("/containers/{id}/kill", (request) => done(containers.kill(id(request), request.query.text("signal")))),
    post("/containers/{id}/pause", (request) => done(containers.pause(id(request)))),
    post("/containers/{id}/unpause", (request) => done(containers.unpause(id(request)))),
    post("/containers/{id}/rename", (request) => done(containers.rename(id(request), request.query.text("name")))),
    post("/containers/{id}/wait", (request) => wait(containers, request)),
    remove("/containers/{id}", (request) =>
      done(
        containers.remove(id(request), {
          force: request.query.flag("force"),
          volumes: request.query.flag("v"),
          link: request.query.flag("link"),
        }),
      ),
    ),
  ];
}

function id(request: ApiRequest): string {
  return request.params.id ?? "";
}

async function list(parts: ContainerParts, request: ApiRequest): Promise<HttpResponse> {
  const { query } = request;
  const found = await parts.containers.list({
    all: query.flag("all"),
    limit: Math.max(query.integer("limit") ?? 0, 0),
    filters: listFilters(request),
  });
  const facts = { networkIDs: networkIDs(parts.networks), now: parts.now() };
  const images = imageNames(parts.images);
  const linked = parts.containers.namesByLinks();
  const row = async (container: Container) =>
    containerSummary(container, {
      ...facts,
      image: await images(container),
      linkNames: linked.get(container.id) ?? [],
      health: parts.containers.health(container.id),
      ...(query.flag("size") && { size: await parts.containers.size(container.id) }),
    });
  return json(await Promise.all(found.map(row)));
}

/** The `filters`, and the two parameters that were filters before there were any. */
function listFilters({ query }: ApiRequest): Filters {
  const filters = new Map(parseFilters(query.text("filters")));
  for (const key of ["since", "before"]) if (query.text(key) !== "") filters.set(key, [query.text(key)]);
  return filters;
}

/** Shows an image by its name while that still means the container's image, else by its ID. */
function imageNames(images: Pick<Images, "find">): (container: Container) => Promise<string> {
  const known = new Map<string, Promise<string | undefined>>();
  return async ({ imageName, imageID }) => {
    if (imageName === imageID) return imageID;
    const lookup = known.get(imageName) ?? images.find(imageName).then((image) => image?.id);
    known.set(imageName, lookup);
    return (await lookup) === imageID ? imageName : imageID;
  };
}

function networkIDs(networks: Pick<Networks, "list">): (name: string) => string {
  const ids = new Map(networks.list().map((network) => [network.name, network.id]));
  return (name) => ids.get(name) ?? "";
}

type CreateBody = ContainerConfig & { HostConfig?: HostConfig; NetworkingConfig?: NetworkingConfig };

async function create(containers: Pick<Backend, "create">, request: ApiRequest): Promise<HttpResponse> {
  const created = await containers.create(await createRequest(request));
  return json({ Id: created.id, Warnings: created.warnings }, 201);
}

/** tug's own: the same body as a create, the plan of its start as text. */
async function plan(containers: Pick<Backend, "plan">, request: ApiRequest): Promise<HttpResponse> {
  return text(await containers.plan(await createRequest(request)));
}

async function createRequest(request: ApiRequest): Promise<CreateRequest> {
  const body = await readJson(request, BODY_SHAPES.ContainerCreate);
  if (!body) throw invalid("invalid JSON: got EOF while reading request body");
  // The shape has made them what these types say.
  const { HostConfig: hostConfig, NetworkingConfig: networking, ...config } = body as CreateBody;
  if (Object.keys(config).length === 0) throw invalid("config cannot be empty in order to create a container");
  return {
    name: request.query.text("name"),
    platform: request.version >= 41 ? request.query.text("platform") : "",
    ...asOfVersion({ config, hostConfig: hostConfig ?? {}, networking: networking ?? {} }, request.version),
  };
}

async function prune(containers: Pick<Backend, "prune">, request: ApiRequest): Promise<HttpResponse> {
  const { deleted, reclaimedBytes } = await containers.prune(parseFilters(request.query.text("filters")));
  return json({ ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
}

async function inspect({ containers, networks, system }: ContainerParts, request: ApiRequest): Promise<HttpResponse> {
  const container = containers.get(id(request));
  const view = containerInspect(container, {
    paths: containers.paths(container.id),
    appArmorProfile: containers.appArmorProfile(container.id),
    execIDs: containers.execIDs(container.id),
    links: containers.links(container.id),
    health: containers.health(container.id),
    storageDriver: system.identity.storageDriver,
    networkIDs: networkIDs(networks),
    ...(request.query.flag("size") && { size: await containers.size(container.id) }),
  });
  return json(view);
}

async function top(containers: Pick<Backend, "top">, request: ApiRequest): Promise<HttpResponse> {
  const { titles, processes } = await containers.top(id(request), request.query.text("ps_args") || "-ef");
  return json({ Processes: processes, Titles: titles });
}

async function start(containers: Pick<Backend, "start">, request: ApiRequest): Promise<HttpResponse> {
  // A body of seven bytes is what old clients send for "nothing" (`null`, quoted).
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > 7 || request.headers.has("transfer-encoding")) {
    throw invalid("starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24");
  }
  await containers.start(id(request));
  return empty(204);
}

function stopOptions({ query, version }: ApiRequest): StopOptions {
  const timeoutSeconds = query.integer("t");
  return {
    signal: version >= 42 ? query.text("signal") : "",
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  };
}

async function wait(containers: Pick<Backend, "wait">, request: ApiRequest): Promise<HttpResponse> {
  const condition = waitCondition(request);
  const { outcome } = await containers.wait(id(request), condition, request.signal);
  return {
    status: 200,
    headers: { "Content-Type": "application/json" },
    body: outcomeLine(outcome),
    endless: true,
  };
}

function waitCondition({ query, version }: ApiRequest): WaitCondition {
  const text = version >= 30 ? query.text("condition") : "";
  switch (text) {
    case "":
      return "not-running";
    case "not-running":
    case "next-exit":
    case "removed":
      return text;
    default:
      throw invalid(`invalid condition: ${JSON.stringify(text)}`);
  }
}

async function* outcomeLine(outcome: Promise<WaitOutcome>): AsyncGenerator<string> {
  const { statusCode, error } = await outcome;
  yield `${JSON.stringify({ StatusCode: statusCode, ...(error !== undefined && { Error: { Message: error } }) })}\n`;
}
