/** Structured logs: one line a record, for people on a terminal and as JSON for collectors. */
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./logger.ts";
