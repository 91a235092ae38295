/** The distribution specification 1.1, each behaviour one row: what is asked of a seeded registry, and the answer. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { MEDIA_TYPES } from "#api/oci";
import { descriptorOf, digestOf, documentDescriptor, imageIndex, imageManifest, TestRegistry } from "./_testing.ts";
import type { Bench } from "./conformance.ts";
import type { ErrorCode } from "./errors.ts";
import type { RegistrySettings } from "./settings.ts";

interface Row {
  readonly what: string;
  readonly request: readonly [method: string, path: string];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
  readonly settings?: RegistrySettings;
  readonly status: number;
  /** Expected headers; null is a header that must not be there. */
  readonly answers?: Readonly<Record<string, string | null>>;
  readonly code?: ErrorCode;
  /** Expected body. */
  readonly gives?: string | object;
}

const LAYER = "layer v1";
const BLOB = digestOf(LAYER);
const ABSENT = digestOf("absent");
const IMAGE = imageManifest("v1");
const DOCKER_IMAGE = { ...imageManifest("docker"), mediaType: MEDIA_TYPES.dockerManifest };
const ARTIFACT = {
  ...imageManifest("v1", { artifactType: "type/sbom", annotations: { note: "first" } }),
  subject: documentDescriptor(IMAGE),
};
const SIGNATURE = imageManifest("v1", { subject: documentDescriptor(IMAGE) });
const ARM = imageManifest("arm");
const INDEX = imageIndex(
  documentDescriptor(ARM, { platform: { os: "linux", architecture: "arm64" } }),
  documentDescriptor(IMAGE, { platform: { os: "linux", architecture: "amd64" } }),
);
const UNKNOWN_TYPE = {
  mediaType: "application/vnd.example.thing.v1+json",
  layers: [descriptorOf(LAYER)],
  any: { more: 1 },
};
const [image, artifact, signature, index] = [IMAGE, ARTIFACT, SIGNATURE, INDEX].map((document) =>
  documentDescriptor(document),
) as [Described, Described, Described, Described];
type Described = ReturnType<typeof documentDescriptor>;

/** Side by side, as what waits for the disk together waits once. */
async function seed(client: TestRegistry): Promise<void> {
  const blobs = ["v1", "arm", "docker"].flatMap((content) => [`config ${content}`, `layer ${content}`]);
  await Promise.all([...blobs, "unused"].map((content) => client.pushBlob("app", content)));
  await Promise.all([
    client.pushManifest("app", "v1", IMAGE),
    client.pushManifest("app", "arm", ARM),
    client.pushManifest("app", "docker", DOCKER_IMAGE),
    client.pushManifest("app", artifact.digest, ARTIFACT),
    client.pushManifest("app", signature.digest, SIGNATURE),
    client.pushImage("team/other", "v2", "other"),
  ]);
  await client.pushManifest("app", "multi", INDEX);
}

const referrer = (described: Described, more: object) => ({
  mediaType: MEDIA_TYPES.ociManifest,
  digest: described.digest,
  size: described.size,
  ...more,
});
const REFERRERS = [
  referrer(artifact, { artifactType: "type/sbom", annotations: { note: "first" } }),
  referrer(signature, { artifactType: MEDIA_TYPES.ociConfig }),
].sort((left, right) => (left.digest < right.digest ? -1 : 1));

const FIRST_MEGABYTES = "x".repeat(4 * 1024 * 1024);

const PULL: readonly Row[] = [
  {
    what: "the ping says that this is a registry",
    request: ["GET", "/v2/"],
    status: 200,
    answers: { "Docker-Distribution-API-Version": "registry/2.0" },
    gives: {},
  },
  {
    what: "a manifest by tag",
    request: ["GET", "/v2/app/manifests/v1"],
    status: 200,
    answers: {
      "Content-Type": MEDIA_TYPES.ociManifest,
      "Docker-Content-Digest": image.digest,
      "Content-Length": String(image.size),
      ETag: `"${image.digest}"`,
    },
    gives: JSON.stringify(IMAGE),
  },
  {
    what: "a manifest by digest",
    request: ["GET", `/v2/app/manifests/${image.digest}`],
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.ociManifest, "Docker-Content-Digest": image.digest },
    gives: JSON.stringify(IMAGE),
  },
  {
    what: "HEAD of a manifest has all but the body",
    request: ["HEAD", "/v2/app/manifests/v1"],
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.ociManifest, "Content-Length": String(image.size) },
    gives: "",
  },
  {
    what: "a manifest that the client has",
    request: ["GET", "/v2/app/manifests/v1"],
    headers: { "If-None-Match": `"sha256:0", W/"${image.digest}"` },
    status: 304,
    answers: { "Docker-Content-Digest": image.digest },
    gives: "",
  },
  {
    what: "a manifest that the client has another version of",
    request: ["GET", "/v2/app/manifests/v1"],
    headers: { "If-None-Match": `"${ABSENT}"` },
    status: 200,
    gives: JSON.stringify(IMAGE),
  },
  {
    what: "an index stays an index",
    request: ["GET", "/v2/app/manifests/multi"],
    headers: { Accept: `${MEDIA_TYPES.ociManifest}, ${MEDIA_TYPES.ociIndex}` },
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.ociIndex, "Docker-Content-Digest": index.digest },
  },
  {
    what: "an index for a client that knows none is the image for linux/amd64",
    request: ["GET", "/v2/app/manifests/multi"],
    headers: { Accept: MEDIA_TYPES.ociManifest },
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.ociManifest, "Docker-Content-Digest": image.digest },
  },
  {
    what: "a Docker image for a Docker client",
    request: ["GET", "/v2/app/manifests/docker"],
    headers: { Accept: `application/vnd.docker.distribution.manifest.v1+json, ${MEDIA_TYPES.dockerManifest};q=0.9` },
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.dockerManifest },
  },
  {
    what: "no document of a kind that the client cannot read",
    request: ["GET", "/v2/app/manifests/v1"],
    headers: { Accept: MEDIA_TYPES.dockerManifest },
    status: 404,
    code: "MANIFEST_UNKNOWN",
  },
  {
    what: "by digest it is what it is",
    request: ["GET", `/v2/app/manifests/${image.digest}`],
    headers: { Accept: MEDIA_TYPES.dockerManifest },
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.ociManifest },
  },
  {
    what: "anything goes by a wildcard",
    request: ["GET", "/v2/app/manifests/v1"],
    headers: { Accept: "text/html, application/*;q=0.1" },
    status: 200,
  },
  { what: "an unknown tag", request: ["GET", "/v2/app/manifests/none"], status: 404, code: "MANIFEST_UNKNOWN" },
  { what: "HEAD of an unknown tag", request: ["HEAD", "/v2/app/manifests/none"], status: 404 },
  { what: "an unknown digest", request: ["GET", `/v2/app/manifests/${ABSENT}`], status: 404, code: "MANIFEST_UNKNOWN" },
  {
    what: "a reference that is none",
    request: ["GET", "/v2/app/manifests/.INVALID_MANIFEST_NAME"],
    status: 404,
    code: "MANIFEST_UNKNOWN",
  },
  { what: "an unknown repository", request: ["GET", "/v2/none/manifests/v1"], status: 404, code: "MANIFEST_UNKNOWN" },
  {
    what: "a manifest of another repository",
    request: ["GET", `/v2/team/other/manifests/${image.digest}`],
    status: 404,
    code: "MANIFEST_UNKNOWN",
  },
  {
    what: "a blob",
    request: ["GET", `/v2/app/blobs/${BLOB}`],
    status: 200,
    answers: {
      "Docker-Content-Digest": BLOB,
      "Content-Type": "application/octet-stream",
      "Accept-Ranges": "bytes",
      ETag: `"${BLOB}"`,
    },
    gives: LAYER,
  },
  {
    what: "HEAD of a blob",
    request: ["HEAD", `/v2/app/blobs/${BLOB}`],
    status: 200,
    answers: { "Docker-Content-Digest": BLOB, "Content-Length": String(LAYER.length) },
    gives: "",
  },
  {
    what: "a digest whose colon is encoded",
    request: ["GET", `/v2/app/blobs/${BLOB.replace(":", "%3A")}`],
    status: 200,
    gives: LAYER,
  },
  { what: "an unknown blob", request: ["GET", `/v2/app/blobs/${ABSENT}`], status: 404, code: "BLOB_UNKNOWN" },
  { what: "HEAD of an unknown blob", request: ["HEAD", `/v2/app/blobs/${ABSENT}`], status: 404 },
  {
    what: "a blob of another repository",
    request: ["GET", `/v2/team/other/blobs/${BLOB}`],
    status: 404,
    code: "BLOB_UNKNOWN",
  },
  {
    what: "a blob that the client has",
    request: ["GET", `/v2/app/blobs/${BLOB}`],
    headers: { "If-None-Match": `"${BLOB}"` },
    status: 304,
    answers: { ETag: `"${BLOB}"` },
    gives: "",
  },
  ...[
    ["bytes=0-0", "l", "0-0"],
    ["bytes=2-4", "yer", "2-4"],
    ["bytes=6-", "v1", "6-7"],
    ["bytes=-2", "v1", "6-7"],
    ["bytes=-100", LAYER, "0-7"],
    ["bytes=5-100", " v1", "5-7"],
  ].map(([range = "", gives = "", part]) => ({
    what: `a part of a blob: ${range}`,
    request: ["GET", `/v2/app/blobs/${BLOB}`] as const,
    headers: { Range: range },
    status: 206,
    answers: { "Content-Range": `bytes ${part}/8`, "Content-Length": String(gives.length) },
    gives,
  })),
  ...["bytes=8-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"].map((range) => ({
    what: `a part that is not there: ${range}`,
    request: ["GET", `/v2/app/blobs/${BLOB}`] as const,
    headers: { Range: range },
    status: 416,
    answers: { "Content-Range": "bytes */8" },
    code: "RANGE_INVALID" as const,
  })),
  ...["bytes=4-2", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=-"].map((range) => ({
    what: `the whole for a range of no meaning: ${range}`,
    request: ["GET", `/v2/app/blobs/${BLOB}`] as const,
    headers: { Range: range },
    status: 200,
    gives: LAYER,
  })),
  {
    what: "the whole when If-Range names another version",
    request: ["GET", `/v2/app/blobs/${BLOB}`],
    headers: { Range: "bytes=0-1", "If-Range": `"${ABSENT}"` },
    status: 200,
    gives: LAYER,
  },
  {
    what: "HEAD ignores a range",
    request: ["HEAD", `/v2/app/blobs/${BLOB}`],
    headers: { Range: "bytes=0-1" },
    status: 200,
  },
];

const PUSH: readonly Row[] = [
  {
    what: "an upload begins",
    request: ["POST", "/v2/app/blobs/uploads/"],
    status: 202,
    answers: { Range: "0-0" },
  },
  { what: "an upload begins without the last slash, too", request: ["POST", "/v2/app/blobs/uploads"], status: 202 },
  {
    what: "a blob in one request",
    request: ["POST", `/v2/app/blobs/uploads/?digest=${digestOf("new")}`],
    body: "new",
    status: 201,
    answers: { Location: `/v2/app/blobs/${digestOf("new")}`, "Docker-Content-Digest": digestOf("new") },
  },
  {
    what: "a blob in one request, sha512",
    request: ["POST", `/v2/app/blobs/uploads/?digest=${digestOf("new", "sha512")}`],
    body: "new",
    status: 201,
    answers: { Location: `/v2/app/blobs/${digestOf("new", "sha512")}` },
  },
  {
    what: "a blob in one request that has another digest",
    request: ["POST", `/v2/app/blobs/uploads/?digest=${ABSENT}`],
    body: "new",
    status: 400,
    code: "DIGEST_INVALID",
  },
  ...["sha256:x", "md5:d41d8cd98f00b204e9800998ecf8427e", "..", `sha384:${"0".repeat(96)}`, ""].map((digest) => ({
    what: `a blob in one request with digest "${digest.slice(0, 12)}"`,
    request: ["POST", `/v2/app/blobs/uploads/?digest=${digest}`] as const,
    body: "new",
    status: 400,
    code: "DIGEST_INVALID" as const,
  })),
  {
    what: "a mount",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${BLOB}&from=app`],
    status: 201,
    answers: { Location: `/v2/new/blobs/${BLOB}`, "Docker-Content-Digest": BLOB },
  },
  {
    what: "a mount from wherever it is",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${BLOB}`],
    status: 201,
    answers: { Location: `/v2/new/blobs/${BLOB}` },
  },
  {
    what: "a mount of what is not there begins an upload",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${ABSENT}&from=app`],
    status: 202,
  },
  {
    what: "a mount from a repository that is not there begins an upload",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${BLOB}&from=none`],
    status: 202,
  },
  {
    what: "a mount from a name that is none begins an upload",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${BLOB}&from=../app`],
    status: 202,
  },
  {
    what: "a mount of no digest",
    request: ["POST", "/v2/new/blobs/uploads/?mount=x&from=app"],
    status: 400,
    code: "DIGEST_INVALID",
  },
  ...(["GET", "PATCH", "PUT", "DELETE"] as const).map((method) => ({
    what: `${method} of an unknown upload`,
    request: [method, `/v2/app/blobs/uploads/unknown?digest=${ABSENT}`] as const,
    ...(method === "PATCH" || method === "PUT" ? { body: "x" } : {}),
    status: 404,
    code: "BLOB_UPLOAD_UNKNOWN" as const,
  })),
  {
    what: "a manifest by tag",
    request: ["PUT", "/v2/app/manifests/again"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    status: 201,
    answers: {
      Location: `/v2/app/manifests/${image.digest}`,
      "Docker-Content-Digest": image.digest,
      "OCI-Subject": null,
    },
  },
  {
    what: "a manifest by digest",
    request: ["PUT", `/v2/app/manifests/${image.digest}`],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    status: 201,
    answers: { "Docker-Content-Digest": image.digest },
  },
  {
    what: "a manifest by sha512",
    request: ["PUT", `/v2/app/manifests/${digestOf(JSON.stringify(IMAGE), "sha512")}`],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    status: 201,
    answers: { "Docker-Content-Digest": digestOf(JSON.stringify(IMAGE), "sha512") },
  },
  {
    what: "a manifest about another says that it is listed",
    request: ["PUT", "/v2/app/manifests/about"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: SIGNATURE,
    status: 201,
    answers: { "OCI-Subject": image.digest },
  },
  {
    what: "a manifest about something that is not there",
    request: ["PUT", "/v2/app/manifests/about"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: imageManifest("v1", { subject: descriptorOf("absent") }),
    status: 201,
    answers: { "OCI-Subject": ABSENT },
  },
  {
    what: "a document of an unknown type is kept",
    request: ["PUT", "/v2/app/manifests/thing"],
    headers: { "Content-Type": UNKNOWN_TYPE.mediaType },
    body: UNKNOWN_TYPE,
    status: 201,
  },
  {
    what: "a document of an unknown type whose blobs are missing",
    request: ["PUT", "/v2/app/manifests/thing"],
    headers: { "Content-Type": UNKNOWN_TYPE.mediaType },
    body: { ...UNKNOWN_TYPE, layers: [descriptorOf("absent")] },
    status: 404,
    code: "MANIFEST_BLOB_UNKNOWN",
  },
  {
    what: "a manifest whose type only the document says",
    request: ["PUT", "/v2/app/manifests/again"],
    headers: { "Content-Type": "" },
    body: IMAGE,
    status: 201,
  },
  {
    what: "a manifest with a layer from elsewhere",
    request: ["PUT", "/v2/app/manifests/foreign"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: imageManifest("v1", { layers: [{ ...descriptorOf("absent"), urls: ["https://example.com/layer"] }] }),
    status: 201,
  },
  {
    what: "a manifest whose layer is missing",
    request: ["PUT", "/v2/app/manifests/bad"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: imageManifest("missing"),
    status: 404,
    code: "MANIFEST_BLOB_UNKNOWN",
  },
  {
    what: "a manifest whose layer is missing, where that is allowed",
    request: ["PUT", "/v2/app/manifests/bad"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: imageManifest("missing"),
    settings: { allowMissingReferences: true },
    status: 201,
  },
  {
    what: "an index whose manifest is missing",
    request: ["PUT", "/v2/app/manifests/bad"],
    headers: { "Content-Type": MEDIA_TYPES.ociIndex },
    body: imageIndex(descriptorOf("absent")),
    status: 404,
    code: "MANIFEST_BLOB_UNKNOWN",
  },
  {
    what: "a manifest whose layer is in another repository only",
    request: ["PUT", "/v2/team/other/manifests/bad"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    status: 404,
    code: "MANIFEST_BLOB_UNKNOWN",
  },
  {
    what: "a manifest under the digest of another",
    request: ["PUT", `/v2/app/manifests/${ABSENT}`],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    status: 400,
    code: "DIGEST_INVALID",
  },
  {
    what: "a manifest of four megabytes",
    request: ["PUT", "/v2/app/manifests/big"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: { ...IMAGE, annotations: { big: FIRST_MEGABYTES.slice(JSON.stringify(IMAGE).length + 30) } },
    status: 201,
  },
  {
    what: "a manifest that is larger",
    request: ["PUT", "/v2/app/manifests/big"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: { ...IMAGE, annotations: { big: FIRST_MEGABYTES } },
    status: 413,
    code: "MANIFEST_INVALID",
  },
  ...(
    [
      ["text", "hello"],
      ["no bytes", ""],
      ["a list", []],
      ["no schema version", { ...IMAGE, schemaVersion: 1 }],
      ["no layers", { ...IMAGE, layers: undefined }],
      ["layers that are none", { ...IMAGE, layers: "x" }],
      ["a layer without a digest", { ...IMAGE, layers: [{ mediaType: "a/b", size: 1 }] }],
      ["a layer with a digest of a path", { ...IMAGE, layers: [{ ...descriptorOf("x"), digest: "sha256:../x" }] }],
      ["a negative size", { ...IMAGE, layers: [{ ...descriptorOf("x"), size: -1 }] }],
      ["a size that is no integer", { ...IMAGE, layers: [{ ...descriptorOf("x"), size: 1e300 }] }],
      ["a layer that is smaller than said", { ...IMAGE, layers: [{ ...descriptorOf(LAYER), size: 100 }] }],
      ["the type of an index", { ...IMAGE, mediaType: MEDIA_TYPES.ociIndex }],
      ["manifests as well", { ...IMAGE, manifests: [] }],
      ["a subject that is none", { ...IMAGE, subject: "x" }],
      ["annotations that are none", { ...IMAGE, annotations: { a: 1 } }],
      ["ten thousand layers", { ...IMAGE, layers: Array(10_000).fill(descriptorOf(LAYER)) }],
    ] as const
  ).map(([what, body]) => ({
    what: `a manifest with ${what}`,
    request: ["PUT", "/v2/app/manifests/bad"] as const,
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body,
    status: 400,
    code: "MANIFEST_INVALID" as const,
  })),
  {
    what: "a manifest of schema 1",
    request: ["PUT", "/v2/app/manifests/old"],
    headers: { "Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws" },
    body: { schemaVersion: 1 },
    status: 400,
    code: "MANIFEST_INVALID",
  },
  {
    what: "an index with layers",
    request: ["PUT", "/v2/app/manifests/bad"],
    headers: { "Content-Type": MEDIA_TYPES.ociIndex },
    body: { ...INDEX, layers: [] },
    status: 400,
    code: "MANIFEST_INVALID",
  },
  ...[".tag", "-tag", "a".repeat(129), "%20", "%2e%2e", "a%2Fb", "%ff"].map((tag) => ({
    what: `a tag that is none: ${tag.slice(0, 10)}`,
    request: ["PUT", `/v2/app/manifests/${tag}`] as const,
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    // Two encoded dots are two dots to the URL parser, and lead to the manifest called "manifests".
    ...(tag === "%2e%2e"
      ? { status: 404, code: "NAME_UNKNOWN" as const }
      : { status: 400, code: "TAG_INVALID" as const }),
  })),
];

const DISCOVERY: readonly Row[] = [
  {
    what: "tags in lexical order",
    request: ["GET", "/v2/app/tags/list"],
    status: 200,
    answers: { Link: null, "Content-Type": "application/json;charset=utf-8" },
    gives: { name: "app", tags: ["arm", "docker", "multi", "v1"] },
  },
  {
    what: "a page of tags",
    request: ["GET", "/v2/app/tags/list?n=2"],
    status: 200,
    answers: { Link: '</v2/app/tags/list?n=2&last=docker>; rel="next"' },
    gives: { name: "app", tags: ["arm", "docker"] },
  },
  {
    what: "the last page of tags",
    request: ["GET", "/v2/app/tags/list?n=2&last=docker"],
    status: 200,
    answers: { Link: null },
    gives: { name: "app", tags: ["multi", "v1"] },
  },
  {
    what: "tags after one that is not there",
    request: ["GET", "/v2/app/tags/list?last=n"],
    status: 200,
    gives: { name: "app", tags: ["v1"] },
  },
  {
    what: "no tags at all",
    request: ["GET", "/v2/app/tags/list?n=0"],
    status: 200,
    answers: { Link: null },
    gives: { name: "app", tags: [] },
  },
  ...["-1", "x", "1e3", ""].map((n) => ({
    what: `a page of "${n}" tags`,
    request: ["GET", `/v2/app/tags/list?n=${n}`] as const,
    status: 400,
    code: "PAGINATION_NUMBER_INVALID" as const,
  })),
  { what: "tags of an unknown repository", request: ["GET", "/v2/none/tags/list"], status: 404, code: "NAME_UNKNOWN" },
  {
    what: "the catalog",
    request: ["GET", "/v2/_catalog"],
    status: 200,
    gives: { repositories: ["app", "team/other"] },
  },
  {
    what: "a page of the catalog",
    request: ["GET", "/v2/_catalog?n=1"],
    status: 200,
    answers: { Link: '</v2/_catalog?n=1&last=app>; rel="next"' },
    gives: { repositories: ["app"] },
  },
  {
    what: "the rest of the catalog",
    request: ["GET", "/v2/_catalog?n=1&last=app"],
    status: 200,
    answers: { Link: null },
    gives: { repositories: ["team/other"] },
  },
  {
    what: "referrers",
    request: ["GET", `/v2/app/referrers/${image.digest}`],
    status: 200,
    answers: { "Content-Type": MEDIA_TYPES.ociIndex, "OCI-Filters-Applied": null, Link: null },
    gives: imageIndex(...REFERRERS),
  },
  {
    what: "referrers of a type",
    request: ["GET", `/v2/app/referrers/${image.digest}?artifactType=type/sbom`],
    status: 200,
    answers: { "OCI-Filters-Applied": "artifactType" },
    gives: imageIndex(...REFERRERS.filter(({ digest }) => digest === artifact.digest)),
  },
  {
    what: "referrers of a type that none has",
    request: ["GET", `/v2/app/referrers/${image.digest}?artifactType=none/such`],
    status: 200,
    answers: { "OCI-Filters-Applied": "artifactType" },
    gives: imageIndex(),
  },
  {
    what: "a page of referrers",
    request: ["GET", `/v2/app/referrers/${image.digest}?n=1`],
    status: 200,
    answers: {
      Link: `</v2/app/referrers/${image.digest}?n=1&last=${encodeURIComponent(REFERRERS[0]?.digest ?? "")}>; rel="next"`,
    },
    gives: imageIndex(...REFERRERS.slice(0, 1)),
  },
  {
    what: "the next page of referrers",
    request: ["GET", `/v2/app/referrers/${image.digest}?n=1&last=${REFERRERS[0]?.digest}`],
    status: 200,
    answers: { Link: null },
    gives: imageIndex(...REFERRERS.slice(1)),
  },
  {
    what: "referrers of nothing that is there",
    request: ["GET", `/v2/none/referrers/${ABSENT}`],
    status: 200,
    gives: imageIndex(),
  },
  { what: "referrers of no digest", request: ["GET", "/v2/app/referrers/v1"], status: 400, code: "DIGEST_INVALID" },
];

const MANAGEMENT: readonly Row[] = [
  { what: "a tag is deleted", request: ["DELETE", "/v2/app/manifests/v1"], status: 202 },
  { what: "a manifest is deleted", request: ["DELETE", `/v2/app/manifests/${image.digest}`], status: 202 },
  { what: "an unknown tag", request: ["DELETE", "/v2/app/manifests/none"], status: 404, code: "MANIFEST_UNKNOWN" },
  {
    what: "an unknown manifest",
    request: ["DELETE", `/v2/app/manifests/${ABSENT}`],
    status: 404,
    code: "MANIFEST_UNKNOWN",
  },
  { what: "a blob is deleted", request: ["DELETE", `/v2/app/blobs/${digestOf("unused")}`], status: 202 },
  { what: "an unknown blob", request: ["DELETE", `/v2/app/blobs/${ABSENT}`], status: 404, code: "BLOB_UNKNOWN" },
  { what: "a blob in use", request: ["DELETE", `/v2/app/blobs/${BLOB}`], status: 405, code: "UNSUPPORTED" },
  ...["manifests/v1", `manifests/${image.digest}`, `blobs/${digestOf("unused")}`].flatMap((path) =>
    [{ allowDelete: false }, { readOnly: true }].map((settings) => ({
      what: `deleting ${path.slice(0, 12)} with ${JSON.stringify(settings)}`,
      request: ["DELETE", `/v2/app/${path}`] as const,
      settings,
      status: 405,
      code: "UNSUPPORTED" as const,
    })),
  ),
  {
    what: "a push to what is read-only",
    request: ["POST", "/v2/app/blobs/uploads/"],
    settings: { readOnly: true },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a manifest to what is read-only",
    request: ["PUT", "/v2/app/manifests/again"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    settings: { readOnly: true },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a push to one of some that are read-only",
    request: ["POST", "/v2/team/other/blobs/uploads/"],
    settings: { repositories: [{ pattern: "team/*", settings: { readOnly: true } }] },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a push to one that may be written where others may not",
    request: ["POST", "/v2/team/other/blobs/uploads/"],
    settings: { readOnly: true, repositories: [{ pattern: "team/*", settings: { readOnly: false } }] },
    status: 202,
  },
  {
    what: "an immutable tag does not move",
    request: ["PUT", "/v2/app/manifests/v1"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: ARM,
    settings: { immutableTags: ["v*"] },
    status: 403,
    code: "DENIED",
  },
  {
    what: "an immutable tag may be pushed again as it is",
    request: ["PUT", "/v2/app/manifests/v1"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: IMAGE,
    settings: { immutableTags: ["v*"] },
    status: 201,
  },
  {
    what: "an immutable tag is not deleted",
    request: ["DELETE", "/v2/app/manifests/v1"],
    settings: { immutableTags: ["v*"] },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a manifest with an immutable tag is not deleted",
    request: ["DELETE", `/v2/app/manifests/${image.digest}`],
    settings: { immutableTags: ["v*"] },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a blob beyond the quota",
    request: ["POST", `/v2/app/blobs/uploads/?digest=${digestOf("one byte more")}`],
    body: "one byte more",
    settings: { quotaBytes: 100 },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a mount beyond the quota",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${BLOB}&from=app`],
    settings: { quotaBytes: 7 },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a manifest beyond the quota",
    request: ["PUT", "/v2/app/manifests/about"],
    headers: { "Content-Type": MEDIA_TYPES.ociManifest },
    body: imageManifest("v1", { annotations: { a: "new" } }),
    settings: { quotaBytes: 100 },
    status: 403,
    code: "DENIED",
  },
  {
    what: "a mount within the quota",
    request: ["POST", `/v2/new/blobs/uploads/?mount=${BLOB}&from=app`],
    settings: { quotaBytes: 8 },
    status: 201,
  },
];

const NAMES: readonly Row[] = [
  ...[
    "App",
    "a..b",
    "a//b",
    "-a",
    "a-",
    "a/-b",
    "a___b",
    "a%2Fb",
    "a%20b",
    "%2e%2e%2fetc",
    "a%00",
    "%",
    "ä",
    "a:b",
    "x".repeat(256),
  ].flatMap((name) =>
    (
      [
        ["GET", "manifests/v1"],
        ["PUT", "manifests/v1"],
        ["GET", `blobs/${BLOB}`],
        ["POST", "blobs/uploads/"],
        ["GET", "tags/list"],
        ["GET", `referrers/${BLOB}`],
      ] as const
    ).map(([method, path]) => ({
      what: `${method} ${path.slice(0, 9)} of the name "${name.slice(0, 12)}"`,
      request: [method, `/v2/${name}/${path}`] as const,
      status: 400,
      code: "NAME_INVALID" as const,
    })),
  ),
  ...["tags", "blobs", "manifests/manifests", "blobs/uploads", "referrers/tags/list"].map((name) => ({
    what: `a repository may be called ${name}`,
    request: ["POST", `/v2/${name}/blobs/uploads/?mount=${BLOB}&from=app`] as const,
    status: 201,
    answers: { Location: `/v2/${name}/blobs/${BLOB}` },
  })),
  { what: "no path of ours", request: ["GET", "/v2/app"], status: 404, code: "NAME_UNKNOWN" },
  { what: "version 1", request: ["GET", "/v1/_ping"], status: 404, code: "NAME_UNKNOWN" },
  { what: "dots lead nowhere else", request: ["GET", "/v2/app/../../etc/passwd"], status: 404, code: "NAME_UNKNOWN" },
  {
    what: "a method that means nothing",
    request: ["POST", "/v2/app/manifests/v1"],
    status: 405,
    code: "UNSUPPORTED",
    answers: { Allow: "GET, HEAD, PUT, DELETE" },
  },
];

/** Requests that change nothing share one seeded registry, each of the others has its own. */
export function specificationSuite(makeBench: () => Promise<Bench>): void {
  describe("reading", () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await makeBench();
      await seed(new TestRegistry(bench.storage, bench.clock));
    });
    afterAll(() => bench[Symbol.asyncDispose]());
    for (const [section, rows] of Object.entries({ PULL, DISCOVERY, NAMES }))
      for (const row of rows) test(`${section.toLowerCase()}: ${row.what}`, () => check(bench, row));
  });
  describe("writing", () => {
    for (const [section, rows] of Object.entries({ PUSH, MANAGEMENT }))
      for (const row of rows)
        test(`${section.toLowerCase()}: ${row.what}`, async () => {
          await using bench = await makeBench();
          await seed(new TestRegistry(bench.storage, bench.clock));
          await check(bench, row);
        });
  });
}

async function check(bench: Bench, row: Row): Promise<void> {
  const client = new TestRegistry(bench.storage, bench.clock, { settings: row.settings ?? {} });
  const body = row.body === undefined || typeof row.body === "string" ? row.body : JSON.stringify(row.body);
  const [method, path] = row.request;
  const response = await client.request(method, path, {
    ...(row.headers === undefined ? {} : { headers: row.headers }),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  expect({ status: response.status, text: response.status === row.status ? "" : text }).toEqual({
    status: row.status,
    text: "",
  });
  for (const [name, value] of Object.entries(row.answers ?? {}))
    expect([name, response.headers.get(name)]).toEqual([name, value]);
  if (row.code !== undefined) expect(JSON.parse(text)).toMatchObject({ errors: [{ code: row.code }] });
  if (typeof row.gives === "string") expect(text).toBe(row.gives);
  else if (row.gives !== undefined) expect(JSON.parse(text)).toEqual(row.gives);
  expect(response.headers.get("Docker-Distribution-API-Version")).toBe("registry/2.0");
  expect(client.logged).toEqual([]);
}

/** Uploads of several requests. */
export function uploadSuite(bench: Bench): void {
  const begin = async (client: TestRegistry): Promise<string> =>
    (await client.request("POST", "/v2/app/blobs/uploads/")).headers.get("Location") ?? "";
  const patch = (client: TestRegistry, location: string, body: string, range?: string) =>
    client.request("PATCH", location, { body, headers: range === undefined ? {} : { "Content-Range": range } });

  test("a stream and a PUT without a body", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const location = await begin(client);
    const sent = await patch(client, location, "hello world");
    expect([sent.status, sent.headers.get("Range")]).toEqual([202, "0-10"]);
    const digest = digestOf("hello world");
    const done = await client.request("PUT", `${sent.headers.get("Location")}?digest=${encodeURIComponent(digest)}`);
    expect([done.status, done.headers.get("Location")]).toEqual([201, `/v2/app/blobs/${digest}`]);
    expect(await (await client.request("GET", `/v2/app/blobs/${digest}`)).text()).toBe("hello world");
    expect((await client.request("GET", location)).status).toBe(404);
  });

  test("a PUT with everything", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const digest = digestOf("hello");
    const done = await client.request("PUT", `${await begin(client)}?digest=${digest}`, { body: "hello" });
    expect(done.status).toBe(201);
    expect(await (await client.request("GET", `/v2/app/blobs/${digest}`)).text()).toBe("hello");
  });

  test("chunks in order, the last with the PUT, across a restart", async () => {
    let client = new TestRegistry(bench.storage, bench.clock);
    const location = await begin(client);
    expect((await patch(client, location, "hel", "0-2")).headers.get("Range")).toBe("0-2");
    await bench.restart();
    client = new TestRegistry(bench.storage, bench.clock);
    const status = await client.request("GET", location);
    expect([status.status, status.headers.get("Range")]).toEqual([204, "0-2"]);
    expect((await patch(client, location, "lo ", "3-5")).headers.get("Range")).toBe("0-5");
    const digest = digestOf("hello world");
    const done = await client.request("PUT", `${location}?digest=${digest}`, {
      body: "world",
      headers: { "Content-Range": "6-10" },
    });
    expect(done.status).toBe(201);
    expect(await (await client.request("GET", `/v2/app/blobs/${digest}`)).text()).toBe("hello world");
  });

  for (const range of ["1-3", "4-6", "0-2"])
    test(`a chunk out of order is refused: ${range}`, async () => {
      const client = new TestRegistry(bench.storage, bench.clock);
      const location = await begin(client);
      await patch(client, location, "hel", "0-2");
      const refused = await patch(client, location, "xxx", range);
      expect([refused.status, refused.headers.get("Range"), refused.headers.get("Location")]).toEqual([
        416,
        "0-2",
        location,
      ]);
      expect((await patch(client, location, "lo", "3-4")).status).toBe(202);
      expect((await client.request("PUT", `${location}?digest=${digestOf("hello")}`)).status).toBe(201);
    });

  for (const [what, range, status] of [
    ["shorter than it says", "0-9", 400],
    ["longer than it says", "0-0", 400],
    ["with a range of no meaning", "0", 400],
    ["with a range backwards", "0--1", 400],
  ] as const)
    test(`a chunk ${what} is refused`, async () => {
      const client = new TestRegistry(bench.storage, bench.clock);
      expect((await patch(client, await begin(client), "hello", range)).status).toBe(status);
    });

  test("one that is given up is gone", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const location = await begin(client);
    await patch(client, location, "hello");
    expect((await client.request("DELETE", location)).status).toBe(204);
    for (const method of ["GET", "PATCH", "DELETE"]) expect((await client.request(method, location)).status).toBe(404);
    expect(await bench.place.files()).toEqual([]);
  });

  test("one that ends with another digest is gone", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const location = await begin(client);
    await patch(client, location, "hello");
    const refused = await client.request("PUT", `${location}?digest=${ABSENT}`);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ errors: [{ code: "DIGEST_INVALID" }] });
    expect((await client.request("GET", location)).status).toBe(404);
    expect(await bench.place.files()).toEqual([]);
  });

  test("one without a digest goes on", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const location = await begin(client);
    expect((await client.request("PUT", location, { body: "x" })).status).toBe(400);
    expect((await client.request("PUT", `${location}?digest=${digestOf("")}`)).status).toBe(201);
  });

  test("one of another repository is unknown", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const location = (await begin(client)).replace("/app/", "/team/other/");
    expect((await client.request("GET", location)).status).toBe(404);
  });

  test("a broken connection leaves what arrived, and a new request takes over from one that hangs", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    const location = await begin(client);
    const arrived = Promise.withResolvers<void>();
    const hanging = client.request("PATCH", location, {
      body: new ReadableStream(
        {
          pull(controller) {
            controller.enqueue(Buffer.from("hel"));
            arrived.resolve();
            return new Promise(() => {});
          },
        },
        { highWaterMark: 0 },
      ),
    });
    await arrived.promise;
    const status = await client.request("PATCH", location, { body: "lo", headers: { "Content-Range": "3-4" } });
    expect((await hanging).status).toBe(400);
    expect([status.status, status.headers.get("Range")]).toEqual([202, "0-4"]);
    expect((await client.request("PUT", `${location}?digest=${digestOf("hello")}`)).status).toBe(201);
  });

  test("one that does not fit in the quota is refused on the way, and gone", async () => {
    const client = new TestRegistry(bench.storage, bench.clock, { settings: { quotaBytes: 8 } });
    await client.pushBlob("app", "six me");
    const location = await begin(client);
    const refused = await client.request("PATCH", location, {
      body: new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.from("x")),
      }),
    });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      errors: [{ code: "DENIED", message: expect.stringContaining("may hold 8 bytes and has 6") }],
    });
    expect((await client.request("GET", location)).status).toBe(404);
    expect(await Array.fromAsync(bench.storage.blobs.listUploads())).toEqual([]);
  });

  test("those that arrive side by side do not share one room", async () => {
    const client = new TestRegistry(bench.storage, bench.clock, { settings: { quotaBytes: 10 } });
    const contents = ["aaaa", "bbbb", "cccc", "dddd"];
    const pushed = await Promise.all(
      contents.map((body) => client.request("POST", `/v2/app/blobs/uploads/?digest=${digestOf(body)}`, { body })),
    );
    expect(pushed.map(({ status }) => status).sort()).toEqual([201, 201, 403, 403]);
    expect(bench.storage.manifests.usedBytes("app")).toBe(8);
    expect(await Array.fromAsync(bench.storage.blobs.list())).toHaveLength(2);
    expect(await Array.fromAsync(bench.storage.blobs.listUploads())).toEqual([]);
  });

  test("many at once of one blob are one blob", async () => {
    const client = new TestRegistry(bench.storage, bench.clock);
    await Promise.all(Array.from({ length: 8 }, (_, at) => client.pushBlob(`app${at % 2}`, "the same")));
    expect(await Array.fromAsync(bench.storage.blobs.list())).toEqual([digestOf("the same")]);
    expect(await (await client.request("GET", `/v2/app1/blobs/${digestOf("the same")}`)).text()).toBe("the same");
  });
}
