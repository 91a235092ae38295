/** The driver `gelf`: Graylog's JSON over udp, compressed and in chunks, or over tcp, each ended by a NUL. */
import { randomBytes } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { refused } from "../../errors.ts";
import { attributesOf, DEFAULT_TAG, expandTag, type LogSubject, type Options } from "../options/subject.ts";
import { type Address, splitAddress, splitHostPort } from "./address.ts";
import { openDatagrams } from "./datagrams.ts";
import { withText } from "./records.ts";
import type { LogRecord, RemoteDriver, Sink, SinkMachine } from "./sink.ts";
import { StreamConnection } from "./stream.ts";

/** What fits into one packet of a network with frames of 1,500 bytes. */
const CHUNK_BYTES = 1420;
const CHUNK_HEAD_BYTES = 12;
const MAX_CHUNKS = 128;
const CHUNK_MAGIC = [0x1e, 0x0f];
const LEVEL = { stdout: 6, stderr: 3 } as const;
const DEFAULT_COMPRESSION_LEVEL = 1;

export const gelf: RemoteDriver = {
  options: [
    "gelf-address",
    "gelf-compression-level",
    "gelf-compression-type",
    "gelf-tcp-max-reconnect",
    "gelf-tcp-reconnect-delay",
  ],
  validate(options) {
    const { transport } = parseAddress(options["gelf-address"] ?? "");
    for (const [key, value] of Object.entries(options)) validateOption(transport, key, value);
  },
  sink(options, subject, machine) {
    const address = parseAddress(options["gelf-address"] ?? "");
    const message = formatter(options, subject, machine);
    return (signal) => open(address, { options, message, machine }, signal);
  },
  retryMs(options) {
    const seconds = options["gelf-tcp-reconnect-delay"];
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  },
};

function validateOption(transport: Address["transport"], key: string, value: string): void {
  const isCompression = key === "gelf-compression-level" || key === "gelf-compression-type";
  if (isCompression && transport !== "udp") throw refused("compression is only supported on UDP");
  const isUnknown =
    (key === "gelf-compression-level" && !/^(-1|[+-]?0*\d)$/.test(value)) ||
    (key === "gelf-compression-type" && !["gzip", "zlib", "none"].includes(value));
  if (isUnknown) throw refused(`unknown value ${JSON.stringify(value)} for log opt "${key}" for gelf log driver`);
  if (!key.startsWith("gelf-tcp-")) return;
  if (transport !== "tcp") throw refused(`"${key}" is only valid for TCP`);
  if (!/^\+?\d{1,15}$/.test(value)) throw refused(`"${key}" must be a positive integer`);
}

function parseAddress(text: string): Address & { transport: "tcp" | "udp" } {
  if (text === "") throw refused("gelf-address is a required parameter");
  const { scheme, authority } = splitAddress(text);
  if (scheme !== "udp" && scheme !== "tcp") throw refused("gelf: endpoint needs to be TCP or UDP");
  try {
    return { transport: scheme, ...splitHostPort(authority, undefined) };
  } catch {
    throw refused("gelf: please provide gelf-address as proto://host:port");
  }
}

interface Setup {
  readonly options: Options;
  readonly message: (record: LogRecord) => Buffer;
  readonly machine: SinkMachine;
}

async function open(address: Address & { transport: "tcp" | "udp" }, setup: Setup, signal: AbortSignal): Promise<Sink> {
  const { message, machine } = setup;
  if (address.transport === "tcp") {
    const connection = await StreamConnection.open(address, { clock: machine.clock }, signal);
    const framed = (records: readonly LogRecord[]) =>
      Buffer.concat(withText(records).flatMap((record) => [message(record), Buffer.of(0)]));
    return {
      lost: connection.lost,
      doubtMs: StreamConnection.DOUBT_MS,
      send: (records, until) => connection.write(framed(records), until),
      [Symbol.dispose]: () => connection[Symbol.dispose](),
    };
  }
  const connection = await openDatagrams(address, machine);
  const compress = compressor(setup.options);
  return {
    lost: connection.lost,
    doubtMs: connection.doubtMs,
    send: (records, until) =>
      connection.send(
        withText(records).flatMap((record) => chunks(compress(message(record)))),
        until,
      ),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

function formatter(options: Options, subject: LogSubject, { hostname }: SinkMachine): (record: LogRecord) => Buffer {
  const extra = JSON.stringify({
    _command: subject.argv.join(" "),
    _container_id: subject.id,
    _container_name: subject.name,
    _created: subject.createdAt,
    _image_id: subject.imageID,
    _image_name: subject.imageName,
    _tag: expandTag(options, subject, DEFAULT_TAG),
    ...attributesOf(options, subject, (name) => (name.startsWith("_") ? name : `_${name}`)),
  });
  return ({ stream, timeNano, text }) => {
    const timestamp = Number(timeNano / 1_000_000n) / 1000;
    const own = { version: "1.1", host: hostname, short_message: text, timestamp, level: LEVEL[stream] };
    return Buffer.from(`${JSON.stringify(own).slice(0, -1)},${extra.slice(1)}`);
  };
}

function compressor(options: Options): (bytes: Buffer) => Buffer {
  const level = Number(options["gelf-compression-level"] ?? DEFAULT_COMPRESSION_LEVEL);
  const type = options["gelf-compression-type"] ?? "gzip";
  if (type === "none") return (bytes) => bytes;
  return (bytes) => (type === "gzip" ? gzipSync(bytes, { level }) : deflateSync(bytes, { level }));
}

/** A message in as many packets as it takes. One that needs more than GELF can count has none: no line alone is so long. */
function chunks(message: Buffer): Buffer[] {
  if (message.length <= CHUNK_BYTES) return [message];
  const room = CHUNK_BYTES - CHUNK_HEAD_BYTES;
  const count = Math.ceil(message.length / room);
  if (count > MAX_CHUNKS) return [];
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.of(...CHUNK_MAGIC),
      id,
      Buffer.of(index, count),
      message.subarray(index * room, (index + 1) * room),
    ]),
  );
}
