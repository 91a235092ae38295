/** A registry over given storage, with a clock that stands still, and clients' habits as functions. */
import { createHash } from "node:crypto";
import { type Digest, MEDIA_TYPES, parseDigest } from "#api/oci";
import { createLogger } from "#lib/log";
import type { Clock } from "#lib/time";
import { createRegistry } from "./create-registry.ts";
import type { Registry, RegistryEvent, RegistryOptions } from "./registry.ts";
import type { RegistryStorage } from "./storage.ts";

export function digestOf(bytes: Uint8Array | string, algorithm: "sha256" | "sha512" = "sha256"): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
}

export async function* chunksOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

export async function textOf(body: Blob | ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(body).text();
}

/** The registry under test, spoken to as over a connection. */
export class TestRegistry {
  readonly registry: Registry;
  readonly events: RegistryEvent[] = [];
  readonly logged: string[] = [];

  constructor(storage: RegistryStorage, clock: Clock, options: Partial<RegistryOptions> = {}) {
    let ids = 0;
    this.registry = createRegistry({
      blobs: storage.blobs,
      manifests: storage.manifests,
      access: { authorize: () => ({ principal: { name: undefined } }) },
      notify: { emit: (event) => void this.events.push(event) },
      settings: {},
      clock,
      log: createLogger({
        level: "debug",
        format: "text",
        now: () => new Date(0),
        write: (line) => void this.logged.push(line),
      }),
      newId: () => `id-${ids++}-${crypto.randomUUID()}`,
      ...options,
    });
  }

  request(
    method: string,
    path: string,
    init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> | ReadableStream } = {},
  ) {
    const request = new Request(`http://registry.test${path}`, { method, ...init });
    return this.registry.fetch(request, { address: "192.0.2.1" });
  }

  /** Uploads a blob in one request. */
  async pushBlob(repository: string, content: string | Uint8Array<ArrayBuffer>): Promise<Digest> {
    const digest = digestOf(content);
    const response = await this.request("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, {
      body: content,
    });
    if (response.status !== 201) throw new Error(`push blob: ${response.status} ${await response.text()}`);
    return digest;
  }

  async pushManifest(repository: string, reference: string, document: object & { mediaType: string }): Promise<Digest> {
    const response = await this.putManifest(repository, reference, document);
    if (response.status !== 201) throw new Error(`push manifest: ${response.status} ${await response.text()}`);
    return parseDigest(response.headers.get("Docker-Content-Digest") ?? "");
  }

  putManifest(repository: string, reference: string, document: object & { mediaType: string }): Promise<Response> {
    return this.request("PUT", `/v2/${repository}/manifests/${reference}`, {
      headers: { "Content-Type": document.mediaType },
      body: JSON.stringify(document),
    });
  }

  /** Config, one layer and manifest, all told apart by `content`. */
  async pushImage(repository: string, tag: string, content: string): Promise<Digest> {
    await this.pushBlob(repository, `config ${content}`);
    await this.pushBlob(repository, `layer ${content}`);
    return await this.pushManifest(repository, tag, imageManifest(content));
  }
}

export function descriptorOf(content: string | Uint8Array, mediaType = "application/octet-stream") {
  return { mediaType, digest: digestOf(content), size: Buffer.byteLength(content) };
}

export function imageManifest(content: string, more: object = {}) {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: descriptorOf(`config ${content}`, MEDIA_TYPES.ociConfig),
    layers: [descriptorOf(`layer ${content}`, MEDIA_TYPES.ociLayer)],
    ...more,
  };
}

export function imageIndex(...manifests: readonly object[]) {
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
}

/** The document that `pushManifest` sends. */
export function documentDescriptor(document: object & { mediaType: string }, more: object = {}) {
  return { ...descriptorOf(JSON.stringify(document), document.mediaType), ...more };
}
