/** Requests that make no sense crash nothing, damage nothing, and are told so in the specification's form. */

import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MEDIA_TYPES } from "#api/oci";
import { seededRandom } from "#fixtures";
import { TestClock } from "./_test-clock.ts";
import { digestOf, imageIndex, imageManifest, TestRegistry } from "./_testing.ts";
import { openFileStorage } from "./storage.ts";

const ROUNDS = 2000;
const SEED = Number(process.env.TUG_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

const next = seededRandom(SEED);
const random = (below: number) => Math.floor(next() * below);
const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;

const DIGEST = digestOf("layer v1");
const HOSTILE = [
  "",
  "..",
  ".",
  "%2e%2e",
  "%2F",
  "%00",
  "%ff",
  "%",
  "a".repeat(300),
  "ä",
  "\\",
  "'",
  "--",
  "A",
  "_",
  "🐳",
];
const WORDS = [
  "app",
  "v1",
  "blobs",
  "uploads",
  "manifests",
  "tags",
  "list",
  "referrers",
  "_catalog",
  DIGEST,
  "v2",
  "id",
];
const HEADERS = [
  "Range",
  "Content-Range",
  "Accept",
  "If-None-Match",
  "If-Range",
  "Content-Type",
  "Content-Length",
  "Authorization",
];
const VALUES = [
  "bytes=0-",
  "bytes=-1",
  "0-0",
  "0-99999999999999999999",
  "bytes 1-2/3",
  "*",
  "*/*",
  ",,;;q=",
  `"${DIGEST}"`,
  "-1",
  "1e9",
  "NaN",
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  "application/x",
  "x".repeat(5000),
];

/** What there is to ask, `upload` being one that was begun. */
function endpoints(upload: string): [path: string, ...methods: string[]][] {
  return [
    ["/v2/", "GET"],
    ["/v2/_catalog", "GET"],
    ["/v2/app/tags/list", "GET"],
    ["/v2/app/manifests/v1", "GET", "HEAD", "PUT", "PUT", "DELETE"],
    [`/v2/app/manifests/${DIGEST}`, "GET", "PUT", "DELETE"],
    [`/v2/app/blobs/${DIGEST}`, "GET", "GET", "HEAD", "DELETE"],
    ["/v2/app/blobs/uploads/", "POST"],
    [upload, "GET", "PATCH", "PATCH", "PUT", "PUT", "DELETE"],
    [`/v2/app/referrers/${DIGEST}`, "GET"],
  ];
}

function randomTarget(upload: string): { method: string; path: string } {
  const [known, ...methods] = pick(endpoints(upload));
  const method = random(20) === 0 ? pick(["OPTIONS", "PROPFIND", "POST"]) : pick(methods);
  const components = known.split("/");
  for (let edits = random(4) === 0 ? random(3) : 0; edits > 0; edits--)
    components.splice(2 + random(components.length), random(2), pick([...WORDS, ...HOSTILE]));
  const query = ["digest", "mount", "from", "n", "last", "artifactType"]
    .filter(() => random(4) === 0)
    .map((name) => `${name}=${pick([...WORDS, ...HOSTILE, "-1", "0", "1", "18446744073709551616"])}`);
  return { method, path: components.join("/") + (query.length > 0 ? `?${query.join("&")}` : "") };
}

/** A document with some of its values replaced by others. */
function randomDocument(): string {
  const values = [
    null,
    -1,
    1e308,
    "",
    [],
    {},
    true,
    DIGEST,
    "sha256:../../x",
    [[]],
    "x".repeat(1000),
    { digest: DIGEST },
  ];
  const garble = (value: unknown): unknown => {
    if (random(12) === 0) return pick(values);
    if (Array.isArray(value)) return value.map(garble);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [random(20) === 0 ? `${key}x` : key, garble(inner)]),
    );
  };
  const text = JSON.stringify(
    garble(pick([imageManifest("v1"), imageIndex(imageManifest("v1").config), { layers: [] }])),
  );
  return random(6) === 0 ? text.slice(0, random(text.length)) : text;
}

test(`whatever is asked is answered (TUG_TEST_SEED=${SEED})`, async () => {
  const root = await mkdtemp(join(tmpdir(), "tug-registry-fuzz-"));
  const clock = new TestClock();
  await using storage = await openFileStorage({ root: join(root, "registry"), clock });
  const client = new TestRegistry(storage, clock);
  const kept = await client.pushImage("app", "v1", "v1");
  let upload = "/v2/app/blobs/uploads/none";
  for (let round = 0; round < ROUNDS; round++) {
    const { method, path } = randomTarget(upload);
    const headers = Object.fromEntries(HEADERS.filter(() => random(6) === 0).map((name) => [name, pick(VALUES)]));
    const hasBody = ["PUT", "POST", "PATCH"].includes(method) && random(4) > 0;
    const response = await client.request(method, path, { headers, ...(hasBody ? { body: randomDocument() } : {}) });
    const text = await response.text();
    const asked = `${method} ${path} ${JSON.stringify(headers)}`;
    if (response.status >= 500) expect(`${asked}: ${response.status} ${client.logged.join()}`).toBe("");
    if (response.status >= 400 && text !== "") expect(JSON.parse(text).errors).toHaveLength(1);
    if (response.status === 202) upload = response.headers.get("Location") ?? upload;
    // What is deleted on purpose comes back for the next round.
    if (method === "DELETE" && response.ok) await client.pushImage("app", "v1", "v1");
  }
  expect((await client.request("GET", `/v2/app/manifests/${kept}`)).status).toBe(200);
  expect(await (await client.request("GET", `/v2/app/blobs/${DIGEST}`)).text()).toBe("layer v1");
  expect(await readdir(root)).toEqual(["registry"]);
  expect((await readdir(join(root, "registry"))).filter((name) => !/^(registry|lock)\.db/.test(name)).sort()).toEqual([
    "sha256",
    "sha512",
    "uploads",
  ]);
  expect(client.logged).toEqual([]);
  await rm(root, { recursive: true, force: true });
});
