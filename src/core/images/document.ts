import type { HealthConfig, ImageConfig } from "#api/engine";
import { isDigest } from "#api/oci";
import type { DiffID } from "#core/snapshots";
import { EngineError, messageOf } from "#lib/errors";
import type { HistoryEntry, ImageDocument } from "./image.ts";

/** A type that a field of a document must have; null counts as absent, as it does for Go. */
type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isInteger: Check = (value) => Number.isSafeInteger(value);
const isStrings: Check = (value) => Array.isArray(value) && value.every(isString);
const isKeySet: Check = (value) => isRecord(value) && Object.values(value).every(isRecord);
const isStringMap: Check = (value) => isRecord(value) && Object.values(value).every(isString);

const DOCUMENT_FIELDS: Readonly<Record<string, Check>> = {
  architecture: isString,
  os: isString,
  variant: isString,
  created: isString,
  author: isString,
  comment: isString,
  docker_version: isString,
};

const CONFIG_FIELDS: Readonly<Record<string, Check>> = {
  User: isString,
  ExposedPorts: isKeySet,
  Env: isStrings,
  Cmd: isStrings,
  Entrypoint: isStrings,
  Shell: isStrings,
  OnBuild: isStrings,
  ArgsEscaped: isBoolean,
  Volumes: isKeySet,
  WorkingDir: isString,
  Labels: isStringMap,
  StopSignal: isString,
};

const HEALTHCHECK_FIELDS: Readonly<Record<string, Check>> = {
  Test: isStrings,
  Interval: isInteger,
  Timeout: isInteger,
  StartPeriod: isInteger,
  StartInterval: isInteger,
  Retries: isInteger,
};

const HISTORY_FIELDS: Readonly<Record<string, Check>> = {
  created: isString,
  created_by: isString,
  author: isString,
  comment: isString,
  empty_layer: isBoolean,
};

/**
 * Reads an image config (image-spec "OCI Image Configuration"; Docker's is a superset). Only the fields that we know
 * remain, each of its right type, so that nothing later meets a surprise; the original bytes stay in the content store.
 *
 * @throws `invalid-parameter`
 */
export function parseImageDocument(bytes: Uint8Array): ImageDocument {
  const raw = parseJson(bytes);
  const rootfs = raw.rootfs;
  if (!isRecord(rootfs)) throw invalid("no RootFS key");
  if (rootfs.type !== "layers") throw invalid(`unknown rootfs type ${JSON.stringify(rootfs.type)}`);
  const diffIDs = rootfs.diff_ids ?? [];
  if (!isDigests(diffIDs)) throw invalid("rootfs.diff_ids is no list of sha256 digests");
  const history = list(raw.history, "history").map((entry) => pick<HistoryEntry>(entry, HISTORY_FIELDS, "history"));
  return {
    architecture: "",
    os: "",
    ...pick<ImageDocument>(raw, DOCUMENT_FIELDS, ""),
    ...(isRecord(raw.config) ? { config: readConfig(raw.config) } : {}),
    rootfs: { type: "layers", diff_ids: diffIDs },
    ...(history.length > 0 ? { history } : {}),
  };
}

function readConfig(raw: Record<string, unknown>): ImageConfig {
  const config = pick<ImageConfig>(raw, CONFIG_FIELDS, "config");
  if (!isRecord(raw.Healthcheck)) return config;
  return { ...config, Healthcheck: pick<HealthConfig>(raw.Healthcheck, HEALTHCHECK_FIELDS, "config.Healthcheck") };
}

/** The fields that are present, after checking their types. */
function pick<T>(source: unknown, fields: Readonly<Record<string, Check>>, where: string): Partial<T> {
  if (!isRecord(source)) throw invalid(`${where} is no object`);
  const result: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(fields)) {
    const value = source[name];
    if (value === undefined || value === null) continue;
    if (!check(value)) throw invalid(`wrong type of ${where === "" ? name : `${where}.${name}`}`);
    result[name] = value;
  }
  return result as Partial<T>;
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (isRecord(value)) return value;
  } catch (error) {
    throw invalid(messageOf(error), error);
  }
  throw invalid("not an object");
}

function list(value: unknown, where: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${where} is no list`);
  return value;
}

function isDigests(value: unknown): value is DiffID[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && isSha256(item));
}

function isSha256(text: string): boolean {
  return text.startsWith("sha256:") && isDigest(text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(reason: string, cause?: unknown): EngineError {
  return new EngineError("invalid-parameter", `invalid image JSON, ${reason}`, { cause });
}
