import { encodePathStat, goFileMode, PATH_STAT_HEADER } from "#api/engine";
import type { Change, Containers, PathStat } from "#core/containers";
import type { HttpResponse } from "#lib/http";
import { invalid } from "../errors.ts";
import { empty, json } from "../reply.ts";
import { type ApiRequest, get, head, put, type Route } from "../router.ts";

type Backend = Pick<Containers, "changes" | "export" | "statPath" | "getArchive" | "putArchive">;

/** The files of containers: what changed, all of them, some of them in and out. */
export function containerFileRoutes({ containers }: { containers: Backend }): Route[] {
  return [
    get("/containers/{id}/changes", (request) => changes(containers, request)),
    get("/containers/{id}/export", (request) => exportFiles(containers, request)),
    head("/containers/{id}/archive", (request) => statPath(containers, request)),
    get("/containers/{id}/archive", (request) => getArchive(containers, request)),
    put("/containers/{id}/archive", (request) => putArchive(containers, request)),
  ];
}

const KINDS: Readonly<Record<Change["kind"], number>> = { modified: 0, added: 1, deleted: 2 };

async function changes(containers: Backend, { params }: ApiRequest): Promise<HttpResponse> {
  const found = await containers.changes(params.id ?? "");
  return json(found.length === 0 ? null : found.map(({ path, kind }) => ({ Path: path, Kind: KINDS[kind] })));
}

async function exportFiles(containers: Backend, { params, signal }: ApiRequest): Promise<HttpResponse> {
  const body = await containers.export(params.id ?? "", { signal });
  return { status: 200, headers: { "Content-Type": "application/octet-stream" }, body };
}

async function statPath(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const { id, path } = place(request);
  return { ...empty(200), headers: statHeaders(await containers.statPath(id, path)) };
}

async function getArchive(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const { id, path } = place(request);
  const { stat, tar } = await containers.getArchive(id, path, { signal: request.signal });
  return { status: 200, headers: { ...statHeaders(stat), "Content-Type": "application/x-tar" }, body: tar };
}

async function putArchive(containers: Backend, request: ApiRequest): Promise<HttpResponse> {
  const { id, path } = place(request);
  await containers.putArchive(id, path, {
    tar: request.body,
    chownToUser: request.query.flag("copyUIDGID"),
    keepKinds: request.query.flag("noOverwriteDirNonDir"),
    signal: request.signal,
  });
  return empty(200);
}

function place({ params, query }: ApiRequest): { id: string; path: string } {
  const path = query.text("path");
  if (path === "") throw invalid("bad parameter: pathcannot be empty");
  if (path.includes("\0")) throw invalid("bad parameter: path holds a NUL byte");
  return { id: params.id ?? "", path };
}

function statHeaders({ name, size, mode, modifiedAt: mtime, linkTarget }: PathStat): Record<string, string> {
  return { [PATH_STAT_HEADER]: encodePathStat({ name, size, mode: goFileMode(mode), mtime, linkTarget }) };
}
