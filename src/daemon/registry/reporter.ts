import { messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";

/** Writes failures of one kind to the log. */
export function reporter(log: Logger, action: string): (error: unknown) => void {
  return (error) => log.error(`registry could not ${action}`, { error: messageOf(error) });
}
