/**
 * A **sink** is where the lines of a log go besides its file: a syslog, a GELF or fluentd server, the journal. It is one connection;
 * when it fails it is thrown away and another one is opened. A **remote driver** is what a name in `LogConfig.Type` means.
 */
import type { Executor } from "#executor";
import type { Clock } from "#lib/time";
import type { LogSubject, Options } from "../options/subject.ts";

/** One line, or one part of a line that was longer than 16 KiB or had no end. */
export interface LogRecord {
  readonly stream: "stdout" | "stderr";
  /** Nanoseconds since 1970. */
  readonly timeNano: bigint;
  /** Without the newline. */
  readonly text: string;
  readonly part?: LinePart;
}

/** Which part of which line it is: all parts of one have its ID, and the time of the first. */
export interface LinePart {
  readonly id: string;
  /** 1 is the first. */
  readonly ordinal: number;
  readonly isLast: boolean;
}

export interface Sink extends Disposable {
  /**
   * Sends records, in order. Resolves when the other side took them or, where the protocol has no word for that, when the kernel did.
   *
   * @throws `unavailable` when it could not; which of them arrived is unknown
   */
  send(records: readonly LogRecord[], signal: AbortSignal): Promise<void>;
  /** Resolves with the reason when the connection ends by itself. */
  readonly lost: Promise<Error>;
  /**
   * For how long after `send` what was sent may still get lost with the connection, in milliseconds. 0: what was sent is delivered, or
   * nobody can know.
   */
  readonly doubtMs: number;
}

/** What sinks need of the machine. */
export interface SinkMachine {
  readonly executor: Pick<Executor, "run">;
  readonly clock: Clock;
  readonly hostname: string;
  readonly processID: number;
}

/** Opens a connection. @throws `unavailable` */
export type OpenSink = (signal: AbortSignal) => Promise<Sink>;

export interface RemoteDriver {
  /** The options that it knows besides those that all know. */
  readonly options: readonly string[];
  /** @throws `invalid-parameter` in Docker's words */
  validate(options: Options): void;
  /** What lines of this container are sent with. */
  sink(options: Options, subject: LogSubject, machine: SinkMachine): OpenSink;
  /** How long the first wait after a failure is; it doubles from there. */
  retryMs?(options: Options): number | undefined;
}
