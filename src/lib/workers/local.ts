import { canceled, NOTHING } from "./_protocol.ts";
import type { Workers } from "./job.ts";

/** Does jobs in the caller's own thread: for tests, and where there is no other. */
export function createLocalWorkers(): Workers {
  return {
    async run(job, input, { source = NOTHING, signal = NEVER } = {}) {
      if (signal.aborted) throw canceled(signal.reason);
      try {
        return await job.run(input, {
          source: cancellable(source, signal),
          signal,
          discarded: () => {},
          mayBlock: false,
        });
      } catch (error) {
        throw signal.aborted ? canceled(signal.reason) : error;
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function* cancellable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    if (signal.aborted) throw canceled(signal.reason);
    yield piece;
  }
}

const NEVER = new AbortController().signal;
