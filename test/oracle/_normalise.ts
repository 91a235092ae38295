/** Takes out of answers what is different in every run: names of the run, IDs, times, addresses, process IDs. */
import type { Engine } from "./_engines.ts";

const ZERO_TIME = "0001-01-01T00:00:00Z";
/** The kernel gives ports from here on to who does not choose one. */
const FIRST_EPHEMERAL_PORT = 32768;

/** Texts that vary by nature. Digests (`sha256:…`) are kept: both engines hold the same image. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/(?<!sha256:)\b[0-9a-f]{64}\b/g, "<id>"],
  [/\b[0-9a-f]{12}\b/g, "<short id>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, "<time>"],
  [/\b(?:172|192|10)\.\d+\.\d+\.\d+(?:\/\d+)?\b/g, "<address>"],
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, "<mac>"],
];

/** Members of documents whose value is different in every run, by name. */
const VARYING = new Set([
  "Created",
  "execDuration",
  "IPPrefixLen",
  "Pid",
  "SandboxID",
  "SandboxKey",
  "SystemTime",
  "time",
  "timeNano",
]);

/** A text with everything of this run replaced. */
export function normaliseText(engine: Engine, text: string): string {
  let result = text
    .replaceAll(engine.image, "IMAGE")
    .replaceAll(engine.prefix, "P-")
    .replaceAll(engine.prefix.slice(0, -1), "P");
  for (const [pattern, name] of PATTERNS) {
    result = result.replaceAll(pattern, (found) => (found === ZERO_TIME ? found : name));
  }
  return result;
}

/** The same for a whole document. Zero stays zero: that a process ID is missing is worth comparing. */
export function normalise(engine: Engine, value: unknown, name = ""): unknown {
  if (VARYING.has(name) && value && value !== ZERO_TIME) return `<${name}>`;
  if (isEphemeralPort(value, name)) return "<port>";
  if (typeof value === "string") return normaliseText(engine, value);
  if (Array.isArray(value)) return value.map((item) => normalise(engine, item)).sort(byDestination(name));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    normaliseText(engine, key),
    normalise(engine, item, key),
  ]);
  return Object.fromEntries(entries);
}

/** Docker keeps mounts in no order. */
function byDestination(name: string): (a: unknown, b: unknown) => number {
  const place = (mount: unknown) => (mount as { Destination?: string }).Destination ?? "";
  return name === "Mounts" ? (a, b) => place(a).localeCompare(place(b)) : () => 0;
}

function isEphemeralPort(value: unknown, name: string): boolean {
  return ["PublicPort", "HostPort"].includes(name) && value !== "" && Number(value) >= FIRST_EPHEMERAL_PORT;
}

/** A body: a JSON document, lines of them, or text. */
export function normaliseBody(engine: Engine, body: string): unknown {
  const documents = parseDocuments(body);
  if (documents === undefined) return normaliseText(engine, body);
  return normalise(engine, documents.length === 1 ? documents[0] : documents);
}

function parseDocuments(body: string): unknown[] | undefined {
  const attempts = [
    () => [JSON.parse(body)],
    () =>
      body
        .trim()
        .split(/\r?\n/)
        .map((line) => JSON.parse(line)),
  ];
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch {}
  }
  return undefined;
}
