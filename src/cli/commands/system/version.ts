import type { SystemVersion } from "#api/engine";
import { MAX_API_VERSION, system } from "#client";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { goJson } from "../../format/formatter.ts";

interface ClientVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly GitCommit: string;
  readonly Os: string;
  readonly Arch: string;
  readonly Context: string;
}

export const version = defineCommand({
  usage: "[OPTIONS]",
  summary: "Show the tug version information",
  args: { kind: "none" },
  flags: { format: inspectFormatFlag() },
  async run(context, { flags }) {
    const engine = await context.engine();
    let server: SystemVersion | undefined;
    let failure: unknown;
    try {
      server = await system.version(engine);
    } catch (error) {
      failure = error;
    }
    const apiVersion = server === undefined ? MAX_API_VERSION : await engine.apiVersion();
    const answer = { Client: clientVersion(context, apiVersion), Server: server ?? null };
    if (flags.format === "") context.io.stdout.write(plainText(answer));
    else if (flags.format === "json") context.io.stdout.write(`${goJson(answer)}\n`);
    else {
      const { renderTemplate } = await import("../../format/template-format.ts");
      const template = { name: "version", type: "system.versionInfo", format: flags.format };
      const { text, fault } = renderTemplate(template, answer);
      context.io.stdout.write(`${text}\n`);
      if (fault !== undefined) throw fault;
    }
    if (failure !== undefined) throw failure;
  },
});

function clientVersion(context: Context, apiVersion: string): ClientVersion {
  const { io } = context;
  return {
    Version: io.release.version,
    ApiVersion: apiVersion,
    DefaultAPIVersion: MAX_API_VERSION,
    GitCommit: io.release.commit,
    Os: "linux",
    Arch: io.arch,
    Context: context.contextName(),
  };
}

const LABEL_COLUMNS = 19;

function plainText({
  Client: client,
  Server: server,
}: {
  Client: ClientVersion;
  Server: SystemVersion | null;
}): string {
  const api =
    client.ApiVersion === client.DefaultAPIVersion
      ? client.ApiVersion
      : `${client.ApiVersion} (downgraded from ${client.DefaultAPIVersion})`;
  const head = section("Client:", 1, [
    ["Version", client.Version],
    ["API version", api],
    ...(client.GitCommit === "" ? [] : [["Git commit", client.GitCommit] as const]),
    ["OS/Arch", `${client.Os}/${client.Arch}`],
    ["Context", client.Context],
  ]);
  return server === null ? head : `${head}\n${serverText(server)}`;
}

function serverText(server: SystemVersion): string {
  const platform = server.Platform?.Name ? ` ${server.Platform.Name}` : "";
  const components = (server.Components ?? []).map((component) => {
    const details = component.Details ?? {};
    if (component.Name !== "Engine") {
      const rows = Object.entries(details).map(([name, value]) => [name, String(value)] as const);
      return section(` ${component.Name}:`, 2, [["Version", component.Version], ...rows]);
    }
    return section(" Engine:", 2, [
      ["Version", component.Version],
      ["API version", `${details.ApiVersion} (minimum version ${details.MinAPIVersion})`],
      ["Go version", String(details.GoVersion ?? "")],
      ["Git commit", String(details.GitCommit ?? "")],
      ["Built", goBuildTime(String(details.BuildTime ?? ""))],
      ["OS/Arch", `${details.Os}/${details.Arch}`],
      ["Experimental", String(details.Experimental ?? "")],
    ]);
  });
  return `Server:${platform}\n${components.join("")}`;
}

function section(title: string, indent: number, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, value]) => `${`${" ".repeat(indent)}${name}:`.padEnd(LABEL_COLUMNS)} ${value}\n`);
  return `${title}\n${lines.join("")}`;
}

/** `Tue Sep 15 11:02:57 2026` of an RFC 3339 time; other text stays as it is. */
function goBuildTime(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const [weekday, , month] = date.toUTCString().replace(",", "").split(" ");
  const day = String(date.getUTCDate()).padStart(2, " ");
  return `${weekday} ${month} ${day} ${date.toISOString().slice(11, 19)} ${date.getUTCFullYear()}`;
}
