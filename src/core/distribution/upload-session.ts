import { type Digest, isDigest } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { Answer } from "./answer.ts";
import { invalidAnswer } from "./errors.ts";
import { parseUploadRange } from "./ranges.ts";
import type { Session } from "./session.ts";
import type { Exchange } from "./transport.ts";

/** A registry that moves what it has to its storage before it answers takes its time. */
const ANSWER_TIMEOUT_MS = 5 * 60_000;
/** Politeness towards the registry, which forgets uploads by itself. */
const CANCEL_TIMEOUT_MS = 10_000;
/** The largest smallest chunk that is taken seriously: it is sent from a stream, and costs no memory. */
const LARGEST_MINIMUM_BYTES = 1024 * 1024 * 1024;

interface Chunk {
  readonly start: number;
  /** Undefined: as much as comes. */
  readonly size: number | undefined;
  readonly body: () => NonNullable<Exchange["body"]>;
}

/** One upload at a registry: begun, filled from the front to the end, and finished or cancelled (distribution-spec "Pushing Blobs"). */
export class UploadSession {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  #location: URL;
  /** The smallest chunk that the registry takes, but for the last. */
  readonly minimumBytes: number;

  private constructor(session: Session, answer: Answer, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
    this.#location = locationOf(answer);
    const minimum = Number(answer.headers.get("oci-chunk-min-length") ?? 0);
    this.minimumBytes = minimum > 0 && minimum <= LARGEST_MINIMUM_BYTES ? Math.ceil(minimum) : 0;
  }

  static async begin(session: Session, signal: AbortSignal): Promise<UploadSession> {
    const headers = { "Content-Length": "0" };
    await using answer = await session.request("blobs/uploads/", { method: "POST", headers, signal, expect: [202] });
    return new UploadSession(session, answer, signal);
  }

  /** Asks for a blob of another repository; what the registry began instead is cancelled. @returns whether it has the blob */
  static async mount(
    session: Session,
    { digest, from }: { digest: Digest; from: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = `blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    const headers = { "Content-Length": "0" };
    const scopes = [`repository:${from}:pull`];
    await using answer = await session.request(target, { method: "POST", headers, signal, scopes, expect: [201, 202] });
    if (answer.status === 202) await new UploadSession(session, answer, signal).cancel();
    return answer.status === 201;
  }

  /** How many bytes the registry has. @throws `not-found` when it knows of no such upload any more */
  async status(): Promise<number> {
    await using answer = await this.#session.request(this.#location, {
      method: "GET",
      signal: this.#signal,
      expect: [204, 202, 200],
    });
    this.#follow(answer);
    return parseUploadRange(answer.headers.get("range")) ?? 0;
  }

  /** Adds to what is there. @returns how many bytes the registry has now */
  async append({ start, size, body }: Chunk): Promise<number | undefined> {
    const known = size !== undefined && {
      "Content-Range": `${start}-${start + size - 1}`,
      "Content-Length": String(size),
    };
    await using answer = await this.#session.request(this.#location, {
      method: "PATCH",
      headers: { "Content-Type": "application/octet-stream", ...known },
      body,
      signal: this.#signal,
      expect: [202, 204, 201],
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    this.#follow(answer);
    return parseUploadRange(answer.headers.get("range"));
  }

  /** Ends it, with all or the last of its bytes. @throws when the registry has something else than the digest says */
  async finish(digest: Digest, rest?: { size: number; body: () => NonNullable<Exchange["body"]> }): Promise<void> {
    const target = new URL(this.#location);
    // By hand: to write the query anew could break a signature in it.
    target.search += `${target.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`;
    await using answer = await this.#session.request(target, {
      method: "PUT",
      headers: { "Content-Type": "application/octet-stream", "Content-Length": String(rest?.size ?? 0) },
      ...(rest && { body: rest.body }),
      signal: this.#signal,
      expect: [201, 202, 204],
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    const stored = answer.headers.get("docker-content-digest") ?? "";
    if (isDigest(stored) && stored !== digest) {
      throw invalidAnswer(`upload of ${digest}: the registry stored ${stored}`);
    }
  }

  /** What was sent so far is not wanted any more. Whatever goes wrong with it is the registry's affair. */
  async cancel(): Promise<void> {
    const signal = new AbortController().signal;
    const request = {
      method: "DELETE",
      signal,
      expect: [200, 202, 204, 404, 405],
      timeoutMs: CANCEL_TIMEOUT_MS,
    } as const;
    try {
      await using _answer = await this.#session.request(this.#location, request);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }

  /** Each answer says where to go on. */
  #follow(answer: Answer): void {
    if (answer.headers.has("location")) this.#location = locationOf(answer);
  }
}

/** Relative or absolute, with whatever query. Never from TLS to no TLS: registries behind a proxy that ends TLS name themselves by http. */
function locationOf({ headers, url }: Answer): URL {
  const text = headers.get("location") ?? "";
  const location = text === "" ? null : URL.parse(text, url.href);
  if (!location || !/^https?:$/.test(location.protocol)) {
    throw invalidAnswer(`upload to ${url.host}: the registry does not say where to`);
  }
  if (url.protocol === "https:" && location.protocol === "http:") {
    if (location.hostname !== url.hostname)
      throw invalidAnswer(`upload to ${url.host}: sent on to plain http at ${location.host}: refused`);
    location.protocol = "https:";
    location.port = url.port;
  }
  location.username = "";
  location.password = "";
  location.hash = "";
  return location;
}
