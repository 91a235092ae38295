/** The two registries of a measurement, with the same content: tug's and Debian's docker-registry. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates, seededRandom } from "#fixtures";

const TUG = join(import.meta.dir, "../../dist/tug");
const START_LIMIT_MS = 20_000;

export interface Registry {
  readonly url: string;
  readonly process: Bun.Subprocess;
}

/** What both hold: an image of the repository `app`. */
export interface Content {
  readonly manifest: { readonly text: string; readonly mediaType: string };
  readonly small: string;
  readonly large: string;
}

export interface Registries extends AsyncDisposable {
  readonly tug: Registry;
  readonly docker: Registry;
  readonly content: Content;
}

/** Starts and fills both. */
export async function registries(options: { tls: boolean }): Promise<Registries> {
  const program = process.env.TUG_TEST_REGISTRY ?? "";
  if (program === "") throw new Error("set TUG_TEST_REGISTRY to the program docker-registry, or use ./dev bench");
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "tug-bench-registry-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { files } = makeCertificates(folder);
  const [tugPort, dockerPort] = [await freePort(), await freePort()];
  const scheme = options.tls ? "https" : "http";
  const tugConfig = {
    addr: `127.0.0.1:${tugPort}`,
    root: join(folder, "tug"),
    tls: options.tls ? { certificate: files.cert, key: files.key } : "off",
    "log-level": "error",
  };
  // As the package has it, with the cache for descriptors, but without a line of log for each request.
  const dockerConfig = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { cache: { blobdescriptor: "inmemory" }, filesystem: { rootdirectory: join(folder, "docker") } },
    http: {
      addr: `127.0.0.1:${dockerPort}`,
      ...(options.tls && { tls: { certificate: files.cert, key: files.key } }),
    },
  };
  await writeFile(join(folder, "tug.json"), JSON.stringify(tugConfig));
  await writeFile(join(folder, "docker.json"), JSON.stringify(dockerConfig));
  const start = async (argv: string[], port: number): Promise<Registry> => {
    const child = Bun.spawn(argv, {
      stdout: "ignore",
      stderr: "ignore",
      env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
    });
    stack.defer(async () => {
      child.kill();
      await child.exited;
    });
    const url = `${scheme}://127.0.0.1:${port}`;
    await untilItAnswers(url);
    return { url, process: child };
  };
  const tug = await start([TUG, "registry", "serve", "--config", join(folder, "tug.json")], tugPort);
  const docker = await start([program, "serve", join(folder, "docker.json")], dockerPort);
  const content = makeContent();
  for (const registry of [tug, docker]) await fill(registry, content);
  const owned = stack.move();
  return { tug, docker, content, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const LAYER_BYTES = { small: 10_000, large: 64 * 1024 * 1024 };

function makeContent(): Content & { readonly blobs: ReadonlyMap<string, Uint8Array<ArrayBuffer>> } {
  const random = seededRandom(1);
  const noise = (bytes: number) => {
    const block = Uint8Array.from({ length: 4096 }, () => random() * 256);
    return new Uint8Array(bytes).map((_, at) => block[(at * 31) % 4096] ?? 0);
  };
  const config = new Uint8Array(
    Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'),
  );
  const [small, large] = [noise(LAYER_BYTES.small), noise(LAYER_BYTES.large)];
  const blobs = new Map([config, small, large].map((bytes) => [digestOf(bytes), bytes]));
  const descriptor = (bytes: Uint8Array, mediaType: string) => ({
    mediaType,
    size: bytes.length,
    digest: digestOf(bytes),
  });
  const layer = "application/vnd.oci.image.layer.v1.tar+gzip";
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: descriptor(config, "application/vnd.oci.image.config.v1+json"),
    layers: [descriptor(large, layer), ...Array.from({ length: 7 }, () => descriptor(small, layer))],
  });
  return { manifest: { text, mediaType }, small: digestOf(small), large: digestOf(large), blobs };
}

async function fill({ url }: Registry, content: ReturnType<typeof makeContent>): Promise<void> {
  for (const [digest, bytes] of content.blobs) {
    const location = (await send(`${url}/v2/app/blobs/uploads/`, { method: "POST" })).headers.get("Location") ?? "";
    const target = new URL(location, url);
    target.searchParams.set("digest", digest);
    await send(target.href, { method: "PUT", body: bytes, headers: { "Content-Type": "application/octet-stream" } });
  }
  const { text, mediaType } = content.manifest;
  await send(`${url}/v2/app/manifests/v1`, { method: "PUT", body: text, headers: { "Content-Type": mediaType } });
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, tls: { rejectUnauthorized: false } });
  if (!response.ok) throw new Error(`${init.method} ${url}: ${response.status} ${await response.text()}`);
  return response;
}

async function untilItAnswers(url: string): Promise<void> {
  const start = performance.now();
  for (;;)
    try {
      await send(`${url}/v2/`, { method: "GET" });
      return;
    } catch (error) {
      if (performance.now() - start > START_LIMIT_MS) throw error;
      await Bun.sleep(50);
    }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The most memory that a process has had resident, in MiB. */
export async function peakMemory({ process: { pid } }: Registry): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
