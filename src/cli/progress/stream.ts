import type { Io, Output } from "../io.ts";
import { LiveBlock } from "./live-block.ts";

export interface StreamLabels {
  readonly id: string;
  /** While the bytes come, and when they all have. */
  readonly during: string;
  readonly after: string;
}

/** The same bytes, with a line on the terminal that tells how many have come. `totalBytes` may be somewhat wrong. */
export async function* countOnTerminal(
  bytes: AsyncIterable<Uint8Array>,
  { io, output, totalBytes, labels }: { io: Io; output: Output; totalBytes: number; labels: StreamLabels },
): AsyncGenerator<Uint8Array, void> {
  const { id, during, after } = labels;
  const block = new LiveBlock(io, output);
  let current = 0;
  try {
    for await (const part of bytes) {
      current += part.length;
      block.update({ id, status: during, progressDetail: { current, total: totalBytes } });
      yield part;
    }
    block.update({ id, status: after, progressDetail: {} });
  } finally {
    block.finish();
  }
}
