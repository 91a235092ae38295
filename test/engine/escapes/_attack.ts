/** What all attacks need: hostile images, and a piece of the host whose every change is noticed. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { busyboxImage, dockerArchive, type ImageSpec, type Member, probeProgram, tar } from "#fixtures";
import type { TestDaemon } from "../_daemon.ts";

/** An image of busybox, the probe, and what the attacker adds in further layers. */
export interface HostileImage {
  readonly tag: string;
  readonly members?: readonly Member[];
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Loads images that share their lower layers in one archive. */
export async function loadImages(daemon: TestDaemon, images: readonly HostileImage[]): Promise<void> {
  const base = await busyboxImage();
  const probe = tar([{ name: "bin/probe", data: probeProgram(), mode: 0o755 }]);
  const specs = images.map(
    ({ tag, members, config }): ImageSpec => ({
      tags: [`${tag}:latest`],
      layers: [...base.layers, probe, ...(members ? [tar(members)] : [])],
      config: { ...base.config, ...config },
    }),
  );
  await daemon.ok("docker", ["load", "-q"], { stdin: tar(dockerArchive(specs)) });
}

/** A folder of the host that attacks aim at, and nobody may change or read. */
export class Canary implements Disposable {
  readonly path = mkdtempSync("/var/tmp/tug-canary-");
  /** What stands in its file. */
  readonly secret = `secret-${this.path.slice(-6)}`;
  readonly #before: string;

  constructor() {
    mkdirSync(join(this.path, "folder"));
    writeFileSync(join(this.path, "file"), `${this.secret}\n`);
    chmodSync(join(this.path, "file"), 0o600);
    this.#before = describeTree(this.path);
  }

  /** The path as attackers write it who hope for somebody to join strings. */
  get climbing(): string {
    return `../../../../../../../..${this.path}`;
  }

  /** What is different from the beginning, mounts of the host on it included; empty when all is well. */
  changes(): string {
    const now = describeTree(this.path);
    const mounts = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(this.path));
    return [...(now === this.#before ? [] : [now]), ...mounts].join("\n");
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Names, types, modes, owners and contents. */
function describeTree(path: string): string {
  const info = lstatSync(path);
  const line = `${path} ${info.mode.toString(8)} ${info.uid}:${info.gid} ${info.rdev}`;
  if (info.isSymbolicLink()) return `${line} ${readlinkSync(path)}`;
  if (info.isFile()) return `${line} ${readFileSync(path, "utf8")}`;
  if (!info.isDirectory()) return line;
  const below = readdirSync(path).sort();
  return [line, ...below.map((name) => describeTree(join(path, name)))].join("\n");
}

/** A temporary folder of the host that containers share. */
export class SharedFolder implements Disposable {
  readonly path = mkdtempSync("/var/tmp/tug-shared-");

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
