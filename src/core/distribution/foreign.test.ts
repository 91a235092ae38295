/** Beside a registry that others wrote: Debian's docker-registry. */
import { describe, expect, test } from "bun:test";
import { REGISTRY_PROGRAM, startRegistry } from "#fixtures";
import { collect, descriptorOf, digestOf, makeClient, NEVER, pattern, tag } from "./_testing.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = new TextEncoder().encode("{}");
const LAYER = pattern(20 * 1024 * 1024 + 7);

const variants = [
  ["HTTP", {}],
  ["TLS", { tls: true }],
  ["a password", { users: { ann: "secret" } }],
] as const;

if (REGISTRY_PROGRAM) {
  describe("docker-registry", () => {
    test.each(variants)("takes a push and gives it back, with %s", async (_name, options) => {
      await using registry = await startRegistry(options);
      const client = makeClient();
      const credentials = { username: "ann", password: "secret" };
      await client.registries.login({ ...credentials, serverAddress: registry.host }, NEVER);

      const push = client.repository(registry.host, "team/app", { action: "push", credentials });
      async function* open(offset: number) {
        for (let start = offset; start < LAYER.length; start += 100_000) yield LAYER.subarray(start, start + 100_000);
      }
      const streamed = await push.pushBlob({ open }, { signal: NEVER });
      expect(streamed).toEqual({ digest: digestOf(LAYER), size: LAYER.length });
      const config = descriptorOf(CONFIG);
      await push.pushBlob(
        {
          ...config,
          open: async function* () {
            yield CONFIG;
          },
        },
        { signal: NEVER },
      );
      const bytes = new TextEncoder().encode(
        JSON.stringify({ schemaVersion: 2, mediaType: OCI, config, layers: [descriptorOf(LAYER)] }),
      );
      const digest = await push.putManifest(tag("v1"), { bytes, mediaType: OCI }, NEVER);
      expect(digest).toBe(digestOf(bytes));

      const pull = client.repository(registry.host, "team/app", { credentials });
      expect(await pull.tags(NEVER)).toEqual(["v1"]);
      expect(await pull.resolve(tag("v1"), NEVER)).toEqual({ mediaType: OCI, digest, size: bytes.length });
      expect(Buffer.from((await pull.manifest(digest, NEVER)).bytes).equals(bytes)).toBe(true);
      const whole = await collect(pull.blob(descriptorOf(LAYER), { signal: NEVER }));
      expect(Buffer.from(whole).equals(LAYER)).toBe(true);

      const other = client.repository(registry.host, "other", { action: "push", credentials });
      expect(await other.hasBlob(digestOf(LAYER), NEVER)).toBe(false);
      expect(await other.mountBlob(digestOf(LAYER), "team/app", NEVER)).toBe(true);
      expect(await other.hasBlob(digestOf(LAYER), NEVER)).toBe(true);
      const found = await client.registries.search(`${registry.host}/app`, { limit: 5, credentials, signal: NEVER });
      expect(found.map(({ name }) => name)).toEqual([`${registry.host}/team/app`]);
    });

    test("refuses in the words that Docker passes on", async () => {
      await using registry = await startRegistry({ users: { ann: "secret" } });
      const client = makeClient();
      const credentials = { username: "ann", password: "secret" };
      const missing = client.repository(registry.host, "a/b", { credentials }).resolve(tag("v1"), NEVER);
      await expect(missing).rejects.toThrow(
        `manifest for ${registry.host}/a/b:v1 not found: manifest unknown: manifest unknown`,
      );
      const tags = client.repository(registry.host, "a/b", { credentials }).tags(NEVER);
      await expect(tags).rejects.toThrow(
        `repository ${registry.host}/a/b not found: name unknown: repository name not known to registry`,
      );
      const nobody = client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
      await expect(nobody).rejects.toThrow(`Head "${registry.url}/v2/a/b/manifests/v1": no basic auth credentials`);
      const wrong = client.registries.login({ username: "ann", password: "x", serverAddress: registry.host }, NEVER);
      await expect(wrong).rejects.toThrow(`login attempt to ${registry.url}/v2/ failed with status: 401 Unauthorized`);
    });
  });
}
