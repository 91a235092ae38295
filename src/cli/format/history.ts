import type { images } from "#client";
import { durationText } from "#lib/time";
import { formatSize } from "../values/sizes.ts";
import { ellipsis, shortId } from "./ellipsis.ts";
import type { Formatter } from "./formatter.ts";
import { rfc3339 } from "./time.ts";

const COMMAND_COLUMNS = 45;

/** The layers of an image as `history` shows them. */
export function historyFormatter(options: {
  human: boolean;
  truncate: boolean;
  nowMs: number;
}): Formatter<images.HistoryEntry> {
  const { human, truncate, nowMs } = options;
  return {
    typeName: "*formatter.historyContext",
    fields: {
      Comment: { head: "COMMENT", value: (entry) => entry.Comment },
      CreatedAt: { head: "CREATED AT", value: (entry) => rfc3339(entry.Created) },
      CreatedBy: {
        head: "CREATED BY",
        value: ({ CreatedBy: command }) => {
          const line = command.replaceAll("\t", " ");
          return truncate ? ellipsis(line, COMMAND_COLUMNS) : line;
        },
      },
      CreatedSince: {
        head: "CREATED",
        value: ({ Created: created }) => {
          if (!human) return rfc3339(created);
          return created <= 0 ? "N/A" : `${durationText(nowMs - created * 1000)} ago`;
        },
      },
      ID: { head: "IMAGE", value: ({ Id: id }) => (truncate ? shortId(id) : id) },
      Size: { head: "SIZE", value: ({ Size: size }) => (human ? formatSize(size) : String(size)) },
    },
    columns: ["ID", human ? "CreatedSince" : "CreatedAt", "CreatedBy", "Size", "Comment"],
    id: "ID",
  };
}
