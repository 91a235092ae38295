/** A small S3 server for tests: objects in memory, signatures checked as Amazon's documentation computes them. */
import { createHash, createHmac, randomUUID } from "node:crypto";

interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly modified: Date;
}

interface S3ServerOptions {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** One bucket, whatever its name. `fail` makes chosen requests go wrong. */
export class S3Server implements Disposable {
  readonly objects = new Map<string, StoredObject>();
  readonly multipart = new Map<string, Map<number, Uint8Array<ArrayBuffer>>>();
  readonly requests: string[] = [];
  /** Status to answer a request with instead of doing it. */
  fail: (method: string, key: string) => number | undefined = () => undefined;
  readonly #server: Bun.Server<undefined>;
  readonly #options: S3ServerOptions;

  constructor(options: S3ServerOptions) {
    this.#options = options;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request) => this.#answer(request),
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [, , ...rest] = url.pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    this.requests.push(`${request.method} ${key}${url.search.includes("uploadId") ? "?uploadId" : ""}`);
    if (!isSigned(request, url, this.#options)) return failure(403, "SignatureDoesNotMatch");
    const status = this.fail(request.method, key);
    if (status !== undefined) return failure(status, status === 503 ? "SlowDown" : "InternalError");
    if (key === "") return this.#list(url.searchParams);
    if (url.searchParams.has("uploads") || url.searchParams.has("uploadId"))
      return await this.#multipart(request, { key, query: url.searchParams });
    switch (request.method) {
      case "PUT":
        return await this.#put(request, key);
      case "GET":
      case "HEAD":
        return this.#get(request, key);
      case "DELETE":
        this.objects.delete(key);
        return new Response(null, { status: 204 });
      default:
        return failure(405, "MethodNotAllowed");
    }
  }

  async #put(request: Request, key: string): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (request.headers.get("If-None-Match") === "*" && this.objects.has(key))
      return failure(412, "PreconditionFailed");
    this.objects.set(key, { bytes, modified: new Date() });
    return new Response(null, { headers: { ETag: etagOf(bytes) } });
  }

  #get(request: Request, key: string): Response {
    const object = this.objects.get(key);
    if (object === undefined) return failure(404, "NoSuchKey");
    const headers = { ETag: etagOf(object.bytes), "Last-Modified": object.modified.toUTCString() };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "");
    if (range === null) return new Response(object.bytes, { headers });
    const start = Number(range[1]);
    const end = range[2] === "" ? object.bytes.length - 1 : Math.min(Number(range[2]), object.bytes.length - 1);
    if (start >= object.bytes.length) return failure(416, "InvalidRange");
    const contentRange = `bytes ${start}-${end}/${object.bytes.length}`;
    return new Response(object.bytes.slice(start, end + 1), {
      status: 206,
      headers: { ...headers, "Content-Range": contentRange },
    });
  }

  #list(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const limit = Number(query.get("max-keys") ?? 1000);
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, limit);
    const isTruncated = page.length < keys.length;
    const contents = page.map((key) => {
      const object = this.objects.get(key) as StoredObject;
      const { length } = object.bytes;
      return `<Contents><Key>${key}</Key><Size>${length}</Size><ETag>${etagOf(object.bytes)}</ETag><LastModified>${object.modified.toISOString()}</LastModified></Contents>`;
    });
    const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
    return xml(
      `<ListBucketResult><Prefix>${prefix}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${limit}</MaxKeys>` +
        `<IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join("")}</ListBucketResult>`,
    );
  }

  async #multipart(request: Request, target: { key: string; query: URLSearchParams }): Promise<Response> {
    const { key, query } = target;
    if (query.has("uploads")) {
      const id = randomUUID();
      this.multipart.set(id, new Map());
      return xml(
        `<InitiateMultipartUploadResult><Key>${key}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const id = query.get("uploadId") ?? "";
    const parts = this.multipart.get(id);
    if (parts === undefined) return failure(404, "NoSuchUpload");
    if (request.method === "PUT") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      parts.set(Number(query.get("partNumber")), bytes);
      return new Response(null, { headers: { ETag: etagOf(bytes) } });
    }
    this.multipart.delete(id);
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    const listed = [...(await request.text()).matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, at]) => Number(at));
    const pieces = listed.map((at) => parts.get(at) ?? new Uint8Array());
    if (pieces.slice(0, -1).some(({ length }) => length < 5 * 1024 * 1024)) return failure(400, "EntityTooSmall");
    const bytes = new Uint8Array(Buffer.concat(pieces));
    this.objects.set(key, { bytes, modified: new Date() });
    return xml(
      `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>${etagOf(bytes)}</ETag></CompleteMultipartUploadResult>`,
    );
  }
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

function xml(body: string, status = 200): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { "Content-Type": "application/xml" },
  });
}

function failure(status: number, code: string): Response {
  return xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`, status);
}

/** Signature version 4, in the Authorization header or in the query ("Authenticating Requests"). */
function isSigned(request: Request, url: URL, options: S3ServerOptions): boolean {
  const header = request.headers.get("Authorization");
  const match = /Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(header ?? "");
  const credential = match?.[1] ?? url.searchParams.get("X-Amz-Credential") ?? "";
  const signedHeaders = match?.[2] ?? url.searchParams.get("X-Amz-SignedHeaders") ?? "";
  const signature = match?.[3] ?? url.searchParams.get("X-Amz-Signature") ?? "";
  const time = request.headers.get("x-amz-date") ?? url.searchParams.get("X-Amz-Date") ?? "";
  const [keyId, ...scope] = credential.split("/");
  if (keyId !== options.accessKeyId || scope.length !== 4) return false;
  const query = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const headers = signedHeaders.split(";").map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}\n`);
  const payload = request.headers.get("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  const canonical = [request.method, url.pathname, query, headers.join(""), signedHeaders, payload].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), hash].join("\n");
  const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${options.secretAccessKey}`);
  return createHmac("sha256", key).update(text).digest("hex") === signature;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
