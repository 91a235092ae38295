/** The driver `fluentd`: the forward protocol in message mode over tcp, TLS or a unix socket, with acknowledgements if asked for. */
import { randomBytes } from "node:crypto";
import { messageOf } from "#lib/errors";
import type { Clock } from "#lib/time";
import { refused } from "../../errors.ts";
import { attributesOf, DEFAULT_TAG, expandTag, type LogSubject, type Options } from "../options/subject.ts";
import { optional, parseBool, parseMemorySize, parseMilliseconds, parseUnsigned } from "../options/values.ts";
import { type Address, splitAddress, splitHostPort } from "./address.ts";
import { type Packable, pack, packEventTime } from "./msgpack.ts";
import type { LogRecord, RemoteDriver, Sink } from "./sink.ts";
import { StreamConnection } from "./stream.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 24224;
/** An answer that did not come by then never will: the records are sent again. */
const ACK_LIMIT_MS = 30_000;
/** Docker's bounds of `fluentd-async-reconnect-interval`. */
const RECONNECT_MS = { least: 100, most: 10_000 };

type FluentdAddress = Address & { transport: "tcp" | "tls" | "unix" };

interface Settings {
  readonly address: FluentdAddress;
  readonly requestAck: boolean;
  readonly subSecond: boolean;
  readonly retryMs: number | undefined;
  readonly writeLimitMs: number | undefined;
}

export const fluentd: RemoteDriver = {
  options: [
    "fluentd-address",
    "fluentd-async",
    "fluentd-async-reconnect-interval",
    "fluentd-buffer-limit",
    "fluentd-max-retries",
    "fluentd-read-timeout",
    "fluentd-request-ack",
    "fluentd-retry-wait",
    "fluentd-sub-second-precision",
    "fluentd-write-timeout",
  ],
  validate: (options) => void parseSettings(options),
  sink(options, subject, { clock }) {
    const settings = parseSettings(options);
    const message = formatter(options, subject, settings);
    return (signal) => open(settings, { message, clock }, signal);
  },
  retryMs: (options) => parseSettings(options).retryMs,
};

/**
 * All options are read as Docker reads them. `fluentd-async`, the buffer limit and the number of retries change nothing: the log's
 * file is the buffer, nothing ever waits for the server, and lines are given up only when they go out of that file.
 */
function parseSettings(options: Options): Settings {
  const address = parseAddress(options["fluentd-address"] ?? "");
  optional(options["fluentd-buffer-limit"], parseMemorySize);
  const retryMs = optional(options["fluentd-retry-wait"], parseMilliseconds);
  optional(options["fluentd-max-retries"], parseUnsigned);
  optional(options["fluentd-async"], parseBool);
  optional(options["fluentd-async-reconnect-interval"], reconnectInterval);
  const subSecond = optional(options["fluentd-sub-second-precision"], parseBool) ?? false;
  const requestAck = optional(options["fluentd-request-ack"], parseBool) ?? false;
  const writeLimitMs = optional(options["fluentd-write-timeout"], timeout("fluentd-write-timeout"));
  optional(options["fluentd-read-timeout"], timeout("fluentd-read-timeout"));
  return { address, requestAck, subSecond, retryMs, writeLimitMs: writeLimitMs || undefined };
}

function reconnectInterval(text: string): void {
  let ms: number;
  try {
    ms = parseMilliseconds(text);
  } catch (cause) {
    throw refused(`invalid value for fluentd-async-reconnect-interval: ${messageOf(cause)}`);
  }
  if (ms === 0 || (ms >= RECONNECT_MS.least && ms <= RECONNECT_MS.most)) return;
  throw refused(
    `invalid value for fluentd-async-reconnect-interval: value (${JSON.stringify(text)}) must be between 100ms and 10s`,
  );
}

function timeout(key: string): (text: string) => number {
  return (text) => {
    let ms: number;
    try {
      ms = parseMilliseconds(text);
    } catch (cause) {
      throw refused(`invalid value for ${key}: value must be a duration: ${messageOf(cause)}`);
    }
    if (ms < 0) throw refused(`invalid value for ${key}: value must be a positive duration`);
    return ms;
  };
}

function parseAddress(text: string): FluentdAddress {
  const invalid = (why: string) => refused(`invalid fluentd-address (${text}): ${why}`);
  if (text === "") return { transport: "tcp", host: DEFAULT_HOST, port: DEFAULT_PORT };
  const { scheme, authority, path } = splitAddress(text);
  if (scheme === "unix") {
    if (path.replace(/^\/+/, "") === "") throw invalid("path is empty");
    return { transport: "unix", path };
  }
  if (scheme !== "" && scheme !== "tcp" && scheme !== "tls") throw invalid(`unsupported scheme: '${scheme}'`);
  if (path !== "") throw invalid("should not contain a path element");
  try {
    const { host, port } = splitHostPort(authority, DEFAULT_PORT);
    return { transport: scheme === "tls" ? "tls" : "tcp", host: host || DEFAULT_HOST, port };
  } catch (cause) {
    const url = scheme === "" ? `tcp://${text}` : text;
    throw invalid(`parse ${JSON.stringify(url)}: ${messageOf(cause)}`);
  }
}

async function open(
  { address, requestAck, writeLimitMs }: Settings,
  { message, clock }: { message: (record: LogRecord, chunk: string | undefined) => Buffer; clock: Clock },
  signal: AbortSignal,
): Promise<Sink> {
  const acks = new Acknowledgements();
  const connection = await StreamConnection.open(
    address,
    {
      clock,
      ...(address.transport === "tls" ? { tls: { rejectUnauthorized: true } } : {}),
      ...(writeLimitMs ? { writeLimitMs } : {}),
      onData: (data) => acks.receive(data),
    },
    signal,
  );
  return {
    lost: connection.lost,
    doubtMs: requestAck ? 0 : StreamConnection.DOUBT_MS,
    async send(records, until) {
      if (!requestAck) {
        return await connection.write(Buffer.concat(records.map((record) => message(record, undefined))), until);
      }
      const chunks = records.map(() => randomBytes(16).toString("base64"));
      const answered = acks.expect(chunks);
      await connection.write(Buffer.concat(records.map((record, index) => message(record, chunks[index]))), until);
      await connection.answer(answered, ACK_LIMIT_MS, until);
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

/** The answers that are waited for. */
class Acknowledgements {
  readonly #open = new Set<string>();
  #rest = "";
  #all = Promise.withResolvers<void>();

  /** Resolves when the other side has answered for each of them. */
  expect(chunks: readonly string[]): Promise<void> {
    for (const chunk of chunks) this.#open.add(chunk);
    this.#all = Promise.withResolvers();
    return this.#all.promise;
  }

  receive(data: Buffer): void {
    this.#rest = (this.#rest + data.toString("latin1")).slice(-ANSWER_ROOM);
    this.#rest = this.#rest.replace(ANSWER, (_, chunk: string) => {
      this.#open.delete(chunk);
      return "";
    });
    if (this.#open.size === 0) this.#all.resolve();
  }
}

/** `{"ack": chunk}` in MessagePack, with either form of a text of 24 bytes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is a binary format
const ANSWER = /\x81\xa3ack(?:\xb8|\xd9\x18)([A-Za-z0-9+/=]{24})/g;
/** More than that is no answer of ours. */
const ANSWER_ROOM = 1 << 20;

function formatter(
  options: Options,
  subject: LogSubject,
  { subSecond }: Settings,
): (record: LogRecord, chunk: string | undefined) => Buffer {
  const tag = expandTag(options, subject, DEFAULT_TAG);
  const extra = attributesOf(options, subject);
  return ({ stream, timeNano, text, part }, chunk) => {
    const partial: Record<string, string> = part
      ? {
          partial_message: "true",
          partial_id: part.id,
          partial_ordinal: String(part.ordinal),
          partial_last: String(part.isLast),
        }
      : {};
    const record: Packable = {
      container_id: subject.id,
      container_name: `/${subject.name}`,
      source: stream,
      log: text,
      ...extra,
      ...partial,
    };
    const time = subSecond ? packEventTime(timeNano) : Number(timeNano / 1_000_000_000n);
    return pack([tag, time, record, chunk === undefined ? {} : { chunk }]);
  };
}
