import type { ImageConfig as EngineImageConfig } from "#api/engine";
import type { Descriptor, Digest, Platform } from "#api/oci";
import type { Credentials } from "#core/distribution";
import type { Filters } from "#core/events";
import type { ChainID, DiffID } from "#core/snapshots";

/** What Docker shows as the image ID: the digest of the image's config. */
export type ImageID = Digest;

/** An OCI image config, as stored (image-spec `config.json`). */
export interface ImageDocument {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly docker_version?: string;
  readonly config?: EngineImageConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly DiffID[] };
  readonly history?: readonly HistoryEntry[];
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** An image that is here whole: config, manifest and every layer. */
export interface Image {
  readonly id: ImageID;
  readonly document: ImageDocument;
  /** The image that it was committed over, if that is here. */
  readonly parent?: ImageID;
  /** Full references, `docker.io/library/busybox:latest`; shown shortened ("familiar"). */
  readonly tags: readonly string[];
  /** `docker.io/library/busybox@sha256:…`. */
  readonly digests: readonly string[];
  /** Sum of the sizes of the files in its layers, as Docker counts them. */
  readonly sizeBytes: number;
  /** Sizes of the files in each layer, in the order of `document.rootfs.diff_ids`: what is shared between images follows from them. */
  readonly layerBytes: readonly number[];
  /** When it was last tagged, RFC 3339; undefined if never. */
  readonly lastTagTime?: string;
  /** What the name stands for at its registry: an index or a manifest. Undefined for what was made here and never pushed. */
  readonly descriptor?: Descriptor;
  /** All that `descriptor` leads to, here or not; only where that was asked for. */
  readonly manifests?: readonly ManifestSummary[];
}

/** One manifest of what a name stands for. */
export interface ManifestSummary {
  readonly descriptor: Descriptor;
  /** Whether all of it is here. */
  readonly isAvailable: boolean;
  /** Bytes that are kept of it in the form in which registries have it. */
  readonly contentBytes: number;
  readonly kind:
    | {
        readonly type: "image";
        readonly platform: Platform;
        /** The image it describes, if that is here. */
        readonly imageID?: ImageID;
        readonly containers: readonly string[];
        /** Of the files of its layers: what a container sees. */
        readonly unpackedBytes: number;
      }
    | { readonly type: "attestation"; readonly of: Digest }
    | { readonly type: "unknown" };
}

/** One line of a progress stream (engine-api notes 5.5): `{"stream":"Loaded image: x:tag\n"}`. */
export interface Progress {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly progress?: string;
  /** For programs: the digest that was pushed, notes of the command line. */
  readonly aux?: unknown;
}

export interface DeletedImage {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

/**
 * The images of this engine. References are what users type: `busybox`, `a/b:tag`, `x@sha256:…`, an ID or a unique
 * prefix of one, with or without `sha256:`.
 */
export interface Images {
  list(options: ImageListOptions): Promise<Image[]>;
  /**
   * The image of a name for `platform`; without, the one that suits this machine best.
   * @throws `not-found` "No such image: x:latest", or when there is none for the platform
   */
  get(reference: string, options?: ImageGetOptions): Promise<Image>;
  find(reference: string): Promise<Image | undefined>;
  /**
   * The chain of the image is prepared for mounting (may take time the first time). Whoever is counted among the
   * image's users before this call, and finds it here, keeps its layers.
   * @throws `not-found` when the image went meanwhile
   */
  prepare(id: ImageID): Promise<void>;
  tag(reference: string, target: string): Promise<void>;
  /** @throws `conflict` when containers use it (`force` removes the tags of stopped ones') */
  remove(reference: string, options: ImageRemoveOptions): Promise<DeletedImage[]>;
  /** Reads a Docker archive or an OCI layout, compressed or not. Yields progress; what was loaded whole stays. */
  load(
    archive: AsyncIterable<Uint8Array>,
    options: { readonly quiet: boolean; readonly platforms?: readonly Platform[]; readonly signal?: AbortSignal },
  ): AsyncGenerator<Progress>;
  /** A Docker archive that is an OCI layout too (as Docker ≥ 25 writes). */
  save(
    references: readonly string[],
    options?: { readonly platforms?: readonly Platform[] },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Makes an image of one layer from a tar of a root filesystem; yields its ID last as `status`. */
  import(tar: AsyncIterable<Uint8Array>, options: ImportOptions): AsyncGenerator<Progress>;
  /** Makes an image of what a container changed. @returns its ID, once it can be run */
  commit(base: ImageID | undefined, options: CommitOptions): Promise<ImageID>;
  /**
   * Brings an image from its registry. Yields Docker's messages; a failure before the first of them is thrown by the first
   * `next`. Layers that came whole before a failure are kept for the next try.
   */
  pull(reference: string, options: PullOptions): AsyncGenerator<Progress>;
  /** Sends what a name stands for to its registry. Yields Docker's messages; ends with an `aux` of `{Tag, Digest, Size}`. */
  push(reference: string, options: PushOptions): AsyncGenerator<Progress>;
  /** What the registry says of a name, without pulling it. */
  remoteManifest(
    reference: string,
    options: { readonly credentials?: Credentials; readonly signal: AbortSignal },
  ): Promise<RemoteManifest>;
  history(reference: string, options?: { readonly platform?: Platform }): Promise<ImageHistoryEntry[]>;
  prune(options: { filters: Filters }): Promise<{ deleted: DeletedImage[]; reclaimedBytes: number }>;
  diskUsage(): Promise<ImageDiskUsage>;
}

/** What the rest of the engine needs besides what users ask for. */
export interface LocalImages extends Images {
  /** Adds a built-in image unless that was done before: whoever removed it does not get it back. */
  seed(image: BuiltinImage): Promise<void>;
  /** Lets go of removed images that the last container has left. */
  forgetRemoved(): void;
  /** Whether users see the image: it is here, and was not removed from under its containers. */
  isKnown(id: ImageID): boolean;
  /** Whether an image needs the blob. */
  usesBlob(digest: Digest): boolean;
  /** Chains that images need, those being prepared included. */
  usedChains(): ReadonlySet<ChainID>;
}

/** An image of one program. */
export interface BuiltinImage {
  /** `tug/hello:latest` */
  readonly name: string;
  /** A static executable of the host's architecture. */
  readonly program: Uint8Array;
  /** Its path in the image: `/hello`. */
  readonly path: string;
}

export interface ImageListOptions {
  readonly all: boolean;
  readonly filters: Filters;
  /** Fills `Image.manifests`. */
  readonly manifests?: boolean;
}

export interface ImageGetOptions {
  readonly platform?: Platform;
  /** Fills `Image.manifests`. */
  readonly manifests?: boolean;
}

export interface ImageRemoveOptions {
  readonly force: boolean;
  readonly prune: boolean;
  /** Only these of a name; the name stays while others are left. */
  readonly platforms?: readonly Platform[];
}

export interface PullOptions {
  /** As typed, `os/arch[/variant]`. */
  readonly platform?: string;
  /** Keeps an index whole, attestations and all. */
  readonly allPlatforms?: boolean;
  /** All tags of the repository; the reference has none then. */
  readonly allTags?: boolean;
  readonly credentials?: Credentials;
  readonly signal?: AbortSignal;
}

export interface PushOptions {
  /** All tags of the repository that are here; the reference has none then. */
  readonly allTags?: boolean;
  /** Only the image for it, instead of the index. */
  readonly platform?: Platform;
  readonly credentials?: Credentials;
  readonly signal?: AbortSignal;
}

/** What images keep on disk: their blobs, compressed layers for the next push, and what the storage driver made of them. */
export interface ImageDiskUsage {
  /** Everything, each thing once. */
  readonly totalBytes: number;
  /** Of each image; `sharedBytes` is the part that others have, too. */
  readonly images: ReadonlyMap<ImageID, { readonly bytes: number; readonly sharedBytes: number }>;
}

export interface RemoteManifest {
  readonly descriptor: Descriptor;
  readonly platforms: readonly Platform[];
}

export interface CommitOptions {
  /** Its tar; undefined when nothing changed. */
  readonly layer: AsyncIterable<Uint8Array> | undefined;
  readonly config: EngineImageConfig;
  /** What ran in the container: the step of the image's history. */
  readonly command: readonly string[];
  readonly author: string;
  readonly message: string;
  /** ID of the container that it is made of. */
  readonly container: string;
  readonly reference?: string;
  readonly signal?: AbortSignal;
}

export interface ImportOptions {
  readonly repository?: string;
  readonly tag?: string;
  readonly message?: string;
  readonly changes: readonly string[];
  readonly platform?: string;
  readonly signal?: AbortSignal;
}

export interface ImageHistoryEntry {
  readonly id: string;
  readonly created: string;
  readonly createdBy: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
  readonly comment: string;
}
