/** The driver `syslog`: RFC 3164 and RFC 5424 over tcp, TLS (RFC 5425), udp and unix sockets, as Docker writes them. */
import { existsSync, readFileSync } from "node:fs";
import { refused } from "../../errors.ts";
import { DEFAULT_TAG, expandTag, type Options } from "../options/subject.ts";
import { type Address, splitAddress, splitHostPort } from "./address.ts";
import { openDatagrams } from "./datagrams.ts";
import { withText } from "./records.ts";
import type { LogRecord, RemoteDriver, Sink, SinkMachine } from "./sink.ts";
import { StreamConnection, type TlsOptions, unavailable } from "./stream.ts";

const DEFAULT_PORT = 514;
const SEVERITY = { stdout: 6, stderr: 3 } as const;
const DAEMON = 3;

/** Their numbers are their places. */
const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7";

/** Where the machine's own syslog listens. */
const LOCAL_SOCKETS = ["/dev/log", "/var/run/syslog", "/var/run/log"];

export const syslog: RemoteDriver = {
  options: [
    "syslog-address",
    "syslog-facility",
    "syslog-format",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
  ],
  validate(options) {
    const address = parseAddress(options["syslog-address"] ?? "");
    parseFacility(options["syslog-facility"] ?? "");
    parseFormat(options["syslog-format"] ?? "");
    if (address?.transport === "tls") readTls(options);
  },
  sink(options, subject, machine) {
    const address = parseAddress(options["syslog-address"] ?? "", { mustExist: false });
    const message = formatter(options, expandTag(options, subject, DEFAULT_TAG), machine);
    return (signal) => open(address, { options, message, machine }, signal);
  },
};

interface Setup {
  readonly options: Options;
  readonly message: (record: LogRecord) => Buffer;
  readonly machine: SinkMachine;
}

async function open(address: Address | undefined, setup: Setup, signal: AbortSignal): Promise<Sink> {
  if (!address) return await openLocal(setup, signal);
  if (address.transport === "udp" || address.transport === "unixgram") {
    const connection = await openDatagrams(address, setup.machine);
    return {
      lost: connection.lost,
      doubtMs: connection.doubtMs,
      send: (records, until) => connection.send(withText(records).map(setup.message), until),
      [Symbol.dispose]: () => connection[Symbol.dispose](),
    };
  }
  return await openStream(address, setup, signal);
}

async function openStream(address: Address, setup: Setup, signal: AbortSignal): Promise<Sink> {
  const { options, message, machine } = setup;
  const tls = address.transport === "tls" ? { tls: readTls(options) } : {};
  const connection = await StreamConnection.open(address, { clock: machine.clock, ...tls }, signal);
  const isCounted = address.transport === "tls" && (options["syslog-format"] ?? "").startsWith("rfc5424");
  const frame = (record: LogRecord) => {
    const bytes = message(record);
    return isCounted ? Buffer.concat([Buffer.from(`${bytes.length} `), bytes]) : bytes;
  };
  return {
    lost: connection.lost,
    doubtMs: StreamConnection.DOUBT_MS,
    send: (records, until) => connection.write(Buffer.concat(withText(records).map(frame)), until),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

/** Some listen for datagrams, some for connections. */
async function openLocal(setup: Setup, signal: AbortSignal): Promise<Sink> {
  const path = LOCAL_SOCKETS.find((socket) => existsSync(socket));
  if (path === undefined) throw unavailable("the local syslog", "Unix syslog delivery error");
  const { clock } = setup.machine;
  const asStream = await StreamConnection.open({ transport: "unix", path }, { clock }, signal).catch(() => undefined);
  asStream?.[Symbol.dispose]();
  return await open({ transport: asStream ? "unix" : "unixgram", path }, setup, signal);
}

/** Undefined: the local syslog. @throws `invalid-parameter` */
function parseAddress(text: string, { mustExist } = { mustExist: true }): Address | undefined {
  if (text === "") return undefined;
  const { scheme, authority, path } = splitAddress(text);
  if (scheme === "unix" || scheme === "unixgram") {
    if (mustExist && !existsSync(path)) throw refused(`stat ${path}: no such file or directory`);
    return { transport: scheme, path };
  }
  if (scheme !== "udp" && scheme !== "tcp" && scheme !== "tcp+tls") throw refused(`unsupported scheme: '${scheme}'`);
  return { transport: scheme === "tcp+tls" ? "tls" : scheme, ...splitHostPort(authority, DEFAULT_PORT) };
}

function parseFacility(text: string): number {
  if (text === "") return DAEMON;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : text === "-" ? -1 : FACILITIES.split(" ").indexOf(text);
  if (number < 0 || number > 23) throw refused("invalid syslog facility");
  return number;
}

type Format = "" | "rfc3164" | "rfc5424" | "rfc5424micro";

function parseFormat(text: string): Format {
  if (text === "" || text === "rfc3164" || text === "rfc5424" || text === "rfc5424micro") return text;
  throw refused("Invalid syslog format");
}

/** @throws `invalid-parameter` for files that cannot be read */
function readTls(options: Options): TlsOptions {
  const [ca, cert, key] = ["ca-cert", "cert", "key"].map((name) => options[`syslog-tls-${name}`] || undefined);
  return {
    ...(ca ? { ca: readPem(ca, `could not read CA certificate "${ca}"`) } : {}),
    ...(cert && key
      ? { cert: readPem(cert, "could not load X509 key pair"), key: readPem(key, "could not load X509 key pair") }
      : {}),
    rejectUnauthorized: options["syslog-tls-skip-verify"] === undefined,
  };
}

function readPem(path: string, failure: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw refused(`${failure}: open ${path}: ${isAbsent ? "no such file or directory" : (cause as Error).message}`);
  }
}

/** A record as a message. Docker stamps it when it sends it; here it may have waited, so it bears the time at which it was written. */
function formatter(options: Options, tag: string, machine: SinkMachine): (record: LogRecord) => Buffer {
  const { hostname, processID } = machine;
  const facility = parseFacility(options["syslog-facility"] ?? "");
  const format = parseFormat(options["syslog-format"] ?? "");
  const head = (nano: bigint): string => {
    if (format === "") return `${stamp(nano)} ${tag}[${processID}]:`;
    if (format === "rfc3164") return `${stamp(nano)} ${hostname} ${tag}[${processID}]:`;
    const digits = format === "rfc5424micro" ? 6 : 0;
    return `1 ${zoned(nano, digits)} ${hostname} ${tag} ${processID} ${tag} -`;
  };
  return ({ stream, timeNano, text }) => Buffer.from(`<${facility * 8 + SEVERITY[stream]}>${head(timeNano)} ${text}\n`);
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `Jan  2 15:04:05`, local time. */
function stamp(nano: bigint): string {
  const date = new Date(Number(nano / 1_000_000n));
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clockOf(date)}`;
}

/** RFC 3339 with the local offset and so many digits of a second. */
function zoned(nano: bigint, digits: number): string {
  const date = new Date(Number(nano / 1_000_000n));
  const fraction = String(nano % 1_000_000_000n).padStart(9, "0");
  const minutes = -date.getTimezoneOffset();
  const offset =
    minutes === 0 ? "Z" : `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${clockOf(date)}${digits > 0 ? `.${fraction.slice(0, digits)}` : ""}${offset}`;
}

function clockOf(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

function two(number: number): string {
  return String(Math.trunc(number)).padStart(2, "0");
}
