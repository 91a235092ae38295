import type { Containers, Volumes } from "#core/containers";
import type { ImageDiskUsage, Images } from "#core/images";
import type { Networks } from "#core/networks";
import type { HttpResponse } from "#lib/http";
import { invalid } from "../errors.ts";
import { json } from "../reply.ts";
import { type ApiRequest, get, type Route } from "../router.ts";
import { containerSummary } from "../views/container.ts";
import { imageSummary } from "../views/image.ts";
import { volumeView } from "../views/volume.ts";
import { containerCounts } from "./images.ts";

interface UsageParts {
  readonly containers: Pick<Containers, "list" | "size" | "namesByLinks">;
  readonly images: Pick<Images, "list" | "diskUsage">;
  readonly volumes: Pick<Volumes, "list" | "usage">;
  readonly networks: Pick<Networks, "list">;
  readonly now: () => Date;
}

const TYPES = ["container", "image", "volume", "build-cache"];

/** What containers, images and volumes take up on disk. */
export function diskUsageRoutes(parts: UsageParts): Route[] {
  return [get("/system/df", (request) => usage(parts, request))];
}

async function usage(parts: UsageParts, { query, version }: ApiRequest): Promise<HttpResponse> {
  const asked = version >= 42 ? query.all("type") : [];
  const unknown = asked.find((type) => !TYPES.includes(type));
  if (unknown !== undefined) throw invalid(`unknown object type: ${unknown}`);
  const wants = (type: string) => asked.length === 0 || asked.includes(type);
  const images = wants("image") ? await parts.images.diskUsage() : undefined;
  return json({
    LayersSize: images?.totalBytes ?? 0,
    Images: images ? await imageRows(parts, images, version) : null,
    Containers: wants("container") ? await containerRows(parts) : null,
    Volumes: wants("volume") ? await volumeRows(parts) : null,
    BuildCache: wants("build-cache") ? [] : null,
  });
}

/** Unlike a listing, which has the sizes of files as Docker does, this has what is on disk: it is read to make room there. */
async function imageRows(
  { images, containers }: UsageParts,
  usage: ImageDiskUsage,
  version: number,
): Promise<unknown[]> {
  const listed = await images.list({ all: false, filters: new Map() });
  const users = await containerCounts(containers);
  return listed.map((image) => {
    const { bytes = 0, sharedBytes = 0 } = usage.images.get(image.id) ?? {};
    const facts = { version, containers: users.get(image.id) ?? 0, sharedBytes };
    return imageSummary({ ...image, sizeBytes: bytes }, facts);
  });
}

async function containerRows({ containers, networks, now }: UsageParts): Promise<unknown[]> {
  const ids = new Map(networks.list().map((network) => [network.name, network.id]));
  const all = await containers.list({ all: true, limit: 0, filters: new Map() });
  const linked = containers.namesByLinks();
  return Promise.all(
    all.map(async (container) =>
      containerSummary(container, {
        image: container.imageName,
        linkNames: linked.get(container.id) ?? [],
        networkIDs: (name) => ids.get(name) ?? "",
        now: now(),
        size: await containers.size(container.id),
      }),
    ),
  );
}

async function volumeRows({ volumes }: UsageParts): Promise<unknown[]> {
  const all = await volumes.list(new Map());
  return Promise.all(
    all.map(async (volume) => ({
      ...volumeView(volume),
      UsageData: { RefCount: volume.users.length, Size: await volumes.usage(volume) },
    })),
  );
}
