import type { Network } from "#api/engine";
import { labelsText } from "./containers.ts";
import { shortId } from "./ellipsis.ts";
import type { Formatter } from "./formatter.ts";

/** Networks as `network ls` shows them. */
export function networkFormatter({ truncate }: { truncate: boolean }): Formatter<Network> {
  return {
    typeName: "*network.networkContext",
    fields: {
      CreatedAt: { head: "CREATED AT", value: ({ Created: created = "" }) => goTimestamp(created) },
      Driver: { head: "DRIVER", value: ({ Driver: driver = "" }) => driver },
      ID: { head: "NETWORK ID", value: ({ Id: id = "" }) => (truncate ? shortId(id) : id) },
      IPv4: { head: "IPV4", value: ({ EnableIPv4 }) => String(EnableIPv4 ?? false) },
      IPv6: { head: "IPV6", value: ({ EnableIPv6 }) => String(EnableIPv6 ?? false) },
      Internal: { head: "INTERNAL", value: ({ Internal }) => String(Internal ?? false) },
      Labels: { head: "LABELS", value: ({ Labels: labels }) => labelsText(labels) },
      Name: { head: "NAME", value: ({ Name: name = "" }) => name },
      Scope: { head: "SCOPE", value: ({ Scope: scope = "" }) => scope },
    },
    methods: { Label: { head: (name) => name, value: ({ Labels: labels }, name) => labels?.[name] ?? "" } },
    columns: ["ID", "Name", "Driver", "Scope"],
    id: "ID",
  };
}

/** `2026-11-21 00:33:28.790387624 +0000 UTC` of an RFC 3339 time in UTC. */
function goTimestamp(text: string): string {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d+)?)Z$/.exec(text);
  return match === null ? text : `${match[1]} ${match[2]} +0000 UTC`;
}
