import type { LogFile } from "./files.ts";

const BLOCK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Where the last `count` lines of a log begin: in which of its files (oldest first), and at which byte. */
export async function findTail(files: readonly LogFile[], count: number): Promise<{ file: number; offset: number }> {
  let wanted = count;
  for (let file = files.length - 1; file >= 0; file--) {
    const { offset, lines } = await scanBack(files[file] as LogFile, wanted);
    if (lines === wanted) return { file, offset };
    wanted -= lines;
  }
  return { file: 0, offset: 0 };
}

/** Goes back from the end until `wanted` lines were passed, or to the beginning. An unfinished last line is not counted. */
async function scanBack(file: LogFile, wanted: number): Promise<{ offset: number; lines: number }> {
  const size = await file.size();
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  // Every newline ends a line; the one before the first wanted line is the one to find.
  let newlines = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const bytesRead = await file.read(block, { at: 0, length: end - start, from: start });
    for (let at = bytesRead; at > 0; ) {
      at = block.lastIndexOf(NEWLINE, at - 1);
      if (at < 0) break;
      if (newlines === wanted) return { offset: start + at + 1, lines: wanted };
      newlines++;
    }
    end = start;
  }
  return { offset: 0, lines: newlines };
}
