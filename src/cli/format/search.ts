import type { registries } from "#client";
import { ellipsis } from "./ellipsis.ts";
import type { Formatter } from "./formatter.ts";

const DESCRIPTION_COLUMNS = 45;

/** What a search found, as `search` shows it. */
export function searchFormatter({ truncate }: { truncate: boolean }): Formatter<registries.SearchResult> {
  return {
    typeName: "*formatter.searchContext",
    fields: {
      Description: {
        head: "DESCRIPTION",
        value: ({ description }) => {
          const line = description.replaceAll("\n", " ").replaceAll("\r", " ");
          return truncate ? ellipsis(line, DESCRIPTION_COLUMNS) : line;
        },
      },
      IsOfficial: {
        head: "OFFICIAL",
        value: ({ is_official: flag }) => (flag ? "[OK]" : ""),
        jsonText: ({ is_official: flag }) => String(flag),
      },
      Name: { head: "NAME", value: ({ name }) => name },
      StarCount: { head: "STARS", value: ({ star_count: count }) => String(count) },
    },
    columns: ["Name", "Description", "StarCount", "IsOfficial"],
    id: "Name",
  };
}
