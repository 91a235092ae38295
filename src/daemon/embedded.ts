/** The only module that knows of files compiled into this executable. */
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import hello from "../../build/hello" with { type: "file" };
import executor from "../../build/tug-exec" with { type: "file" };

/**
 * Puts the executor where the kernel can run it, and gives its path. It goes under a new name first and never over the old
 * file: monitors of an earlier daemon may still run that one.
 */
export async function placeExecutor(execRoot: string): Promise<string> {
  const folder = join(execRoot, "bin");
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const path = join(folder, "tug-exec");
  const temporary = join(folder, `.tug-exec.${process.pid}`);
  try {
    await Bun.write(temporary, Bun.file(executor));
    await chmod(temporary, 0o555);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return path;
}

/** The program of the built-in image. */
export async function readHello(): Promise<Uint8Array> {
  return await Bun.file(hello).bytes();
}
