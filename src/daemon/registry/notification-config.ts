import type { EndpointSettings } from "#registry";
import type { SettingsReader } from "./settings-reader.ts";

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_BACKOFF_MS = 1_000;
const EVENT_ACTIONS = ["push", "pull", "mount", "delete"] as const;

/** The key `notifications`: a list of receivers. Names are docker-registry's. */
export function readNotifications(reader: SettingsReader): readonly EndpointSettings[] {
  const endpoints =
    reader.objects("notifications", (one) => ({ isOn: one.boolean("disabled") !== true, ...readEndpoint(one) })) ?? [];
  const names = endpoints.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw reader.refuse("notifications", `has two with the name "${twice}"`);
  return endpoints.filter(({ isOn }) => isOn).map(({ isOn: _, ...settings }) => settings);
}

function readEndpoint(reader: SettingsReader): EndpointSettings {
  const name = reader.requiredText("name");
  // It names a file, too.
  if (!/^[\w-]{1,64}$/.test(name)) throw reader.refuse("name", `"${name}" has to be of letters, digits, - and _`);
  const url = reader.url("url");
  if (url === undefined) throw reader.refuse("url", "is missing: where events are sent");
  return {
    name,
    url,
    headers: Object.fromEntries(reader.map("headers", (headers, key) => headers.requiredText(key)) ?? []),
    timeoutMs: reader.durationMs("timeout") ?? DEFAULT_TIMEOUT_MS,
    backoffMs: reader.durationMs("backoff") ?? DEFAULT_BACKOFF_MS,
    ignore: reader.object("ignore", (ignore) => ({
      mediaTypes: ignore.texts("mediatypes") ?? [],
      actions: ignore.words("actions", EVENT_ACTIONS),
    })) ?? { mediaTypes: [], actions: [] },
  };
}
