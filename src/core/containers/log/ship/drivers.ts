import { fluentd } from "./fluentd.ts";
import { gelf } from "./gelf.ts";
import { journald } from "./journald.ts";
import type { RemoteDriver } from "./sink.ts";
import { syslog } from "./syslog.ts";

/** The drivers that send logs somewhere, by their names. */
export const remoteDrivers: Readonly<Record<string, RemoteDriver>> = { fluentd, gelf, journald, syslog };
