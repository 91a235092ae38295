import type { Socket } from "node:net";
import type { HostPlan, ProcessPlan, StreamOp } from "./ops.ts";
import type { TreeEntry } from "./tree.ts";

/**
 * The executor as the rest of the engine sees it: hands that run plans. The process implementation drives the
 * C program `tug-exec`; the recording one only remembers what it was asked (for tests).
 *
 * Failures of an op arrive as EngineError `internal` (or `not-found`, `forbidden` … by errno) with data
 * `{ op: index, section, errno, step }` and a message naming the call and the object:
 * `mount "proc" on "/proc": operation not permitted`.
 */
export interface Executor extends AsyncDisposable {
  /** Runs a host plan; several may run at once. Resolves to one result per op: bytes for ops that answer, else empty. */
  run(plan: HostPlan): Promise<readonly Uint8Array[]>;

  /** Runs a host plan whose last op is a `walk`, and yields what that sends. Whoever stops early ends the plan, as does the signal. */
  walk(plan: HostPlan, signal?: AbortSignal): AsyncGenerator<TreeEntry>;

  /** Runs a host plan whose last op is a `receive`, and sends it ops and file content. What the parts throw ends the plan. */
  send(plan: HostPlan, parts: AsyncIterable<StreamPart>): Promise<void>;

  /**
   * Starts a monitor, which runs the process plan. Resolves when the monitor's socket can be connected to and this
   * connection is its controller; the process itself is reported by `Monitor.started`.
   */
  start(spec: MonitorSpec): Promise<Monitor>;

  /**
   * Connects to a monitor that an earlier daemon started. `started` and `exited` tell what happened meanwhile.
   *
   * @throws EngineError `not-found` when no monitor listens there: its exit record, if any, is in the file
   */
  connect(socketPath: string): Promise<Monitor>;
}

/** An op, or bytes of the file that the op before made. */
export type StreamPart = StreamOp | Uint8Array;

/** What a monitor is told besides the plan. */
export interface MonitorSpec {
  /** Shown by `ps`: container ID or exec ID, shortened. */
  readonly name: string;
  readonly plan: ProcessPlan;
  /** Unix socket (at most 107 bytes) for control and attach; mode 0600; unlinked when the monitor ends. */
  readonly socketPath: string;
  /** Where the exit record goes (written to a temporary name and renamed; it is for a daemon that comes back, not for a machine that does). Removed at start if it exists. */
  readonly exitPath: string;
  readonly stdio: MonitorStdio;
  readonly log?: MonitorLog;
  /** The process is not started before this many attach connections are there (or the controller went away), so that they miss nothing. */
  readonly awaitAttach: number;
  /** Reads the number after `oom_kill ` in this file when the process ends: `memory.events` (v2) or `memory.oom_control` (v1). Empty: not asked. */
  readonly oomPath: string;
  /** Where spooled output of slow attach clients may lie (unlinked files). */
  readonly spoolDir: string;
  /** Instead of running clone+inside itself, the monitor starts an OCI runtime with the same stdio and reaps the container. */
  readonly runtime?: ForeignRuntime;
}

export interface MonitorStdio {
  readonly tty: boolean;
  /** Whether stdin is connected; otherwise it is /dev/null. */
  readonly stdin: boolean;
  /** Close stdin when the first attached client that had stdin closes its side (StdinOnce). */
  readonly stdinOnce: boolean;
  /** Initial size of the terminal; 0 × 0 leaves the kernel's. */
  readonly width: number;
  readonly height: number;
}

/** The log in Docker's json-file format: a JSON object a line, `{"log":…,"stream":…,"attrs":…,"time":…}`. */
export interface MonitorLog {
  readonly path: string;
  /** Rotates before a line would pass this size; 0: never. */
  readonly maxBytes: number;
  /** Files kept, the current one included: `path`, `path.1` …; at least 1. With 1 it is replaced by a new one. Should there be `path.INODE-BIRTH.gz` for a rotated file, it takes its place as `path.N.gz` with the next rotation. */
  readonly maxFiles: number;
  /** JSON text to put into each record as `,"attrs":{…}`; empty: none. */
  readonly attributes: string;
}

/**
 * `runc create`, then `runc start`, both by argv; the pid file tells the container's pid, the console socket brings its
 * pty. Between the two come `beside` and, in the network namespace of that pid, the netlink ops of `inside`.
 */
export interface ForeignRuntime {
  readonly create: readonly string[];
  readonly start: readonly string[];
  readonly remove: readonly string[];
  readonly pidFile: string;
  /** Empty without a terminal. */
  readonly consoleSocket: string;
  /** The runtime's own log, whose last line explains a failure. */
  readonly logFile: string;
}

export interface StartedRecord {
  readonly pid: number;
  /** Start time of the process in clock ticks after boot (/proc/PID/stat field 22): with the pid, its identity. */
  readonly startTicks: number;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly startedAt: string;
}

/** How a process ended. The monitor writes the same to `exitPath`. */
export interface ExitRecord {
  /** As a shell says it: the code, or 128 + signal. */
  readonly exitCode: number;
  /** 0 unless a signal ended it. */
  readonly signal: number;
  readonly oomKilled: boolean;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly exitedAt: string;
  /** When the start itself failed: why. Then the exit code is 126, 127 or 128. */
  readonly error?: string;
}

/** A connection to one monitor. Losing it changes nothing for the process. */
export interface Monitor {
  readonly socketPath: string;
  /** Resolves once the program runs. Rejects with the failing op's error, after which `exited` resolves too. */
  readonly started: Promise<StartedRecord>;
  /** Resolves when the process ended, its output was written to the log, and the exit record is on disk. Rejects with `unavailable` if the monitor was lost, with `canceled` after `close`. */
  readonly exited: Promise<ExitRecord>;
  /** Sends a signal to the process. Nothing happens when it ended. */
  signal(signal: number): Promise<void>;
  resize(size: { width: number; height: number }): Promise<void>;
  /** Closes and reopens the log file (after somebody moved it). */
  reopenLog(): Promise<void>;
  /**
   * A new stream of the process's stdio, from now on (or from its start: `awaitAttach`). What is written to the
   * socket is stdin, `end()` half-closes it. What is read is the terminal's raw bytes, or with pipes Docker's
   * frames: `[1|2, 0, 0, 0, length big-endian]` and payload. The socket ends when the process's output did.
   * A client that does not read is spooled; beyond 1 GiB it is dropped with a frame on stream 3.
   *
   * @throws EngineError `not-found` when the monitor has ended
   */
  attach(options: AttachOptions): Promise<Socket>;
  /** Drops the control connection. The monitor goes on. */
  close(): void;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Reads the record that a monitor left, if there is one. */
export type ReadExitRecord = (exitPath: string) => Promise<ExitRecord | undefined>;
