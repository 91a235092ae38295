/** Where tug answers otherwise than the real engine, on purpose. `docs/COMPATIBILITY.md` says the same for people. */

/** A member of documents that is left out of the comparison. */
interface Difference {
  /** The end of its path (`.GraphDriver.Data`), or an expression for the path. */
  readonly member: string | RegExp;
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [
  { member: /\.(ResolvConfPath|HostnamePath|HostsPath|LogPath)$/, reason: "each engine has its own folders" },
  { member: /\.body(\[\])?\.Driver$/, reason: "storage: erofs, which Docker does not have" },
  { member: /\.GraphDriver$/, reason: "storage: layers are never unpacked, so there are no directories to name" },
  { member: ".HostConfig.Runtime", reason: "the default runtime is called tug" },
  {
    member: /\.(SizeRw|SizeRootFs|Size|VirtualSize)$/,
    reason: "tug counts what files take on disk, not the length of links",
  },
  {
    member: ".Descriptor",
    reason: "tug remembers what a name stands for at its registry, as Docker with containerd does",
  },
  { member: /\.body\.DockerVersion$/, reason: "an image does not tell which engine made it" },
  { member: /\.Metadata\.LastTagTime$/, reason: "tug knows when an image was loaded under a name" },
];

/** Words that differ: replaced in the texts of both before they are compared. */
interface Wording {
  readonly words: RegExp;
  readonly by: string;
  readonly reason: string;
}

const WORDINGS: readonly Wording[] = [
  {
    words:
      /failed to create task for container: (?:failed to create shim task: )?(?:OCI runtime create failed: )?(?:runc create failed: )?(?:unable to start container process: )?(?:error during container init: )?/g,
    by: "",
    reason: "the chain names parts that tug does not consist of",
  },
  {
    words: /failed to initialize logging driver: /g,
    by: "",
    reason: "options are checked at create, where there is none",
  },
  { words: /failed to start container "[^"]*": /g, by: "", reason: "tug says which container instead" },
  {
    words:
      /OCI runtime exec failed: exec failed: unable to start container process: |failed to start exec of "[^"]*": /g,
    by: "",
    reason: "the same for an exec",
  },
  { words: / set in config\.json failed(?=: )/g, by: "", reason: "there is no such file" },
  { words: /manifest for \S+ not found: (?=manifest unknown)/g, by: "", reason: "tug says of which name, everywhere" },
  {
    words: /\b(?:Head|Get) (?="https?:)/g,
    by: "Get ",
    reason: "a manifest that has to be fetched is asked for at once",
  },
  { words: /^# .*\n/gm, by: "", reason: "tug's resolv.conf has no comments" },
  { words: /^\n+/, by: "", reason: "nor an empty line at the top" },
  { words: /\n{2,}/g, by: "\n", reason: "and no empty lines between them" },
  {
    words: /no configured subnet or ip-range contain the IP address [\d.]+$/gm,
    by: "user specified IP address is supported only when connecting to networks with user configured subnets",
    reason: "Docker says the one of a bridge that its first start made, the other from its second start on",
  },
  { words: /of type (?:container\.|time\.)?\w+$/gm, by: "of type T", reason: "Go's names of types" },
];

export function withSameWords(text: string): string {
  return WORDINGS.reduce((result, { words, by }) => result.replace(words, by), text);
}
