/** What a log says of the container that it is of: tags, and attributes that labels and environment give. */
import { RE2JS } from "re2js";
import type { ContainerConfig } from "#api/engine";
import { messageOf } from "#lib/errors";
import { Computed, evaluateTemplate, parseTemplate, type TemplateFunction, templateFunctions } from "#lib/template";
import { refused } from "../../errors.ts";

export type Options = Readonly<Record<string, string>>;

/** The container whose output it is: what `tag`, `labels` and `env` speak of. */
export interface LogSubject {
  readonly id: string;
  readonly name: string;
  readonly imageID: string;
  readonly imageName: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly config: Pick<ContainerConfig, "Labels" | "Env">;
  readonly argv: readonly string[];
}

/** What drivers tag with unless they are told otherwise. */
export const DEFAULT_TAG = "{{.ID}}";

/** What the daemon is called in tags: clients that sort logs by it know one name. */
const DAEMON_NAME = "docker";

/** Somebody whose tag is expanded to see whether it can be. */
const NOBODY: LogSubject = {
  id: "0".repeat(64),
  name: "name",
  imageID: `sha256:${"0".repeat(64)}`,
  imageName: "image",
  createdAt: "",
  config: {},
  argv: [],
};

/** @throws `invalid-parameter` for patterns and templates that cannot act */
export function validateSubjectOptions(options: Options): void {
  for (const key of ["labels-regex", "env-regex"]) compile(options[key]);
  expandTag(options, NOBODY, "");
}

/** The chosen labels and variables, sorted by their names; `rename` makes keys of names. */
export function attributesOf(
  options: Options,
  { config }: LogSubject,
  rename: (name: string) => string = (name) => name,
): Record<string, string> {
  const env = (config.Env ?? []).map(splitOnce).filter((entry) => entry !== undefined);
  const entries = [
    ...chosen(Object.entries(config.Labels ?? {}), options.labels, compile(options["labels-regex"])),
    ...chosen(env, options.env, compile(options["env-regex"])),
  ].map(([name, value]) => [rename(name), value] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The option `tag`, or else `fallback`, with a container's facts filled in. @throws `invalid-parameter` */
export function expandTag(options: Options, subject: LogSubject, fallback: string): string {
  const source = options.tag || fallback;
  const template = parseTemplate("log-tag", source, FUNCTION_NAMES);
  const { text, fault } = evaluateTemplate(template, new Info(options, subject), {
    functions: templateFunctions,
    absent: (_, name) => ({ fault: `can't evaluate field ${name}` }),
  });
  if (fault) throw fault;
  return text;
}

const FUNCTION_NAMES = new Set(templateFunctions.keys());

/** The fields and methods of Docker's `logger.Info`. */
class Info extends Computed {
  readonly typeName = "*logger.Info";
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #methods: Readonly<Record<string, TemplateFunction>>;

  constructor(options: Options, subject: LogSubject) {
    super();
    const { id, name, imageID, imageName, createdAt, config, argv } = subject;
    this.#fields = {
      Config: options,
      ContainerID: id,
      ContainerName: `/${name}`,
      ContainerEntrypoint: argv[0] ?? "",
      ContainerArgs: argv.slice(1),
      ContainerImageID: imageID,
      ContainerImageName: imageName,
      ContainerCreated: createdAt,
      ContainerEnv: config.Env ?? [],
      ContainerLabels: config.Labels ?? {},
      LogPath: "",
      DaemonName: DAEMON_NAME,
    };
    this.#methods = {
      ID: () => id.slice(0, 12),
      FullID: () => id,
      Name: () => name,
      ImageID: () => imageID.slice(0, 12),
      ImageFullID: () => imageID,
      ImageName: () => imageName,
      Command: () => argv.join(" "),
    };
  }

  field(name: string) {
    if (Object.hasOwn(this.#fields, name)) return { value: this.#fields[name] };
    const method = Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined;
    return method && { method };
  }

  whole(): unknown {
    return this.#fields;
  }

  json(): string {
    return JSON.stringify(this.#fields);
  }
}

function chosen(
  entries: readonly (readonly [string, string])[],
  list: string | undefined,
  pattern: RE2JS | undefined,
): readonly (readonly [string, string])[] {
  const names = new Set((list ?? "").split(",").filter(Boolean));
  return entries.filter(([key]) => names.has(key) || pattern?.matcher(key).find());
}

/** As Go's: no pattern takes more than linear time. */
function compile(pattern: string | undefined): RE2JS | undefined {
  if (!pattern) return undefined;
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    throw refused(messageOf(cause));
  }
}

function splitOnce(entry: string): readonly [string, string] | undefined {
  const at = entry.indexOf("=");
  return at < 0 ? undefined : [entry.slice(0, at), entry.slice(at + 1)];
}
