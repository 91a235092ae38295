import { OPTIONS, type Option } from "./options.ts";

const COLUMN = 34;

/** What `tugd --help` prints. */
export function usage(): string {
  const lines = [...OPTIONS]
    .sort((a, b) => (a.flag < b.flag ? -1 : 1))
    .map((option: Option) => {
      const short = option.short ? `-${option.short}, ` : "    ";
      return `  ${`${short}--${option.flag} ${option.value}`.padEnd(COLUMN)} ${option.help}`;
    });
  return [
    "Usage:  tugd [OPTIONS]",
    "",
    "The tug daemon: a container engine that speaks the Docker Engine API.",
    "",
    "Options:",
    ...lines,
    "",
  ].join("\n");
}
