/** The driver `journald`: the native protocol of systemd's journal, with Docker's field names. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { formatNano } from "#lib/time";
import { refused } from "../../errors.ts";
import { attributesOf, DEFAULT_TAG, expandTag, type LogSubject, type Options } from "../options/subject.ts";
import { openDatagrams } from "./datagrams.ts";
import { withText } from "./records.ts";
import type { LogRecord, RemoteDriver } from "./sink.ts";

const SOCKET = "/run/systemd/journal/socket";
const PRIORITY = { stdout: "6", stderr: "3" } as const;

export const journald: RemoteDriver = journaldAt(SOCKET);

/** A journal that listens elsewhere. */
export function journaldAt(socket: string): RemoteDriver {
  return {
    options: [],
    validate() {
      if (!existsSync(socket)) throw refused("journald is not enabled on this host");
    },
    sink(options, subject, machine) {
      const message = formatter(options, subject);
      return async () => {
        const connection = await openDatagrams({ transport: "unixgram", path: socket }, machine);
        return {
          lost: connection.lost,
          doubtMs: connection.doubtMs,
          send: (records, signal) => connection.send(withText(records).map(message), signal),
          [Symbol.dispose]: () => connection[Symbol.dispose](),
        };
      };
    },
  };
}

function formatter(options: Options, subject: LogSubject): (record: LogRecord) => Buffer {
  const tag = expandTag(options, subject, DEFAULT_TAG);
  const own = {
    CONTAINER_ID: subject.id.slice(0, 12),
    CONTAINER_ID_FULL: subject.id,
    CONTAINER_NAME: subject.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: subject.imageName,
    SYSLOG_IDENTIFIER: tag,
    ...attributesOf(options, subject, fieldName),
  };
  const head = fields(own);
  const epoch = randomBytes(32).toString("hex");
  let ordinal = 0;
  return ({ stream, timeNano, text, part }) => {
    ordinal++;
    const more = {
      MESSAGE: text,
      PRIORITY: PRIORITY[stream],
      CONTAINER_LOG_EPOCH: epoch,
      CONTAINER_LOG_ORDINAL: String(ordinal),
      SYSLOG_TIMESTAMP: formatNano(timeNano),
      ...(part
        ? {
            CONTAINER_PARTIAL_ID: part.id,
            CONTAINER_PARTIAL_ORDINAL: String(part.ordinal),
            CONTAINER_PARTIAL_LAST: String(part.isLast),
            ...(part.isLast ? {} : { CONTAINER_PARTIAL_MESSAGE: "true" }),
          }
        : {}),
    };
    return Buffer.concat([head, fields(more)]);
  };
}

/** Letters, digits and underscores, and no underscore first: those are the journal's own. */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "_")
    .replace(/^_+/, "");
}

/** `NAME=value` and a newline; a value of several lines is preceded by its length. */
function fields(values: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(values).flatMap(([name, value]) => {
    if (name === "") return [];
    if (!value.includes("\n")) return [Buffer.from(`${name}=${value}\n`)];
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return [Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n")];
  });
  return Buffer.concat(parts);
}
