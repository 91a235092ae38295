export const LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type Fields = Record<string, string | number | boolean | null | undefined>;

/** Writes records of at least its level. `with` gives a child that adds fields to every record. */
export interface Logger {
  level: LogLevel;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  with(fields: Fields): Logger;
}

interface LoggerOptions {
  level: LogLevel;
  format: "text" | "json";
  now: () => Date;
  /** Receives one line, newline included. */
  write: (line: string) => void;
}

export function createLogger(options: LoggerOptions, shared: Fields = {}, state = { level: options.level }): Logger {
  const log = (level: LogLevel, message: string, fields: Fields = {}) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(state.level)) return;
    const record = { time: options.now().toISOString(), level, msg: message, ...shared, ...fields };
    options.write(options.format === "json" ? `${JSON.stringify(record)}\n` : textLine(record));
  };
  return {
    get level() {
      return state.level;
    },
    set level(level) {
      state.level = level;
    },
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    with: (fields) => createLogger(options, { ...shared, ...fields }, state),
  };
}

/** logfmt, as dockerd writes it: `time="…" level=info msg="…" key=value`. */
function textLine(record: Fields): string {
  const pairs = Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${quoted(String(value))}`);
  return `${pairs.join(" ")}\n`;
}

function quoted(value: string): string {
  return /^[\w./@:^-]+$/.test(value) && !value.includes(":") ? value : JSON.stringify(value);
}
