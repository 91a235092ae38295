import type { Linux } from "#api/oci";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";
import type { BindPoint, MountPoint } from "./mount-point.ts";

/** @throws `invalid-parameter` for propagation that cannot act: mounts are only passed on by a source that is shared */
export function checkPropagation({ source, propagation }: BindPoint, reader: HostReader): void {
  if (propagation.endsWith("private")) return;
  const mount = mountOf(source, reader.readText("/proc/self/mountinfo") ?? "");
  if (propagation.endsWith("shared") && !mount.shared) {
    throw invalid(`path ${source} is mounted on ${mount.path} but it is not a shared mount`);
  }
  if (propagation.endsWith("slave") && !mount.shared && !mount.slave) {
    throw invalid(`path ${source} is mounted on ${mount.path} but it is not a shared or slave mount`);
  }
}

/** What the root needs so that a runtime keeps the propagation of the mounts in it (moby oci_linux.go, `withMounts`). */
export function rootPropagation(points: readonly MountPoint[]): Pick<Linux, "rootfsPropagation"> {
  const used = points.map((point) => (point.type === "bind" ? point.propagation : ""));
  if (used.some((propagation) => propagation.endsWith("shared"))) return { rootfsPropagation: "shared" };
  return used.some((propagation) => propagation.endsWith("slave")) ? { rootfsPropagation: "rslave" } : {};
}

interface MountEntry {
  readonly path: string;
  readonly shared: boolean;
  readonly slave: boolean;
}

/** The mount that a path lies on: the longest mount point above it, of equals the last (proc_pid_mountinfo(5)). */
function mountOf(path: string, mountinfo: string): MountEntry {
  let found: MountEntry = { path: "/", shared: false, slave: false };
  for (const line of mountinfo.split("\n")) {
    const fields = line.split(" ");
    const point = unescapeOctal(fields[4] ?? "");
    if (point.length < found.path.length || !isWithin(path, point)) continue;
    const tags = fields.slice(6, fields.indexOf("-", 6));
    found = {
      path: point,
      shared: tags.some((tag) => tag.startsWith("shared:")),
      slave: tags.some((tag) => tag.startsWith("master:")),
    };
  }
  return found;
}

function isWithin(path: string, directory: string): boolean {
  return directory !== "" && (directory === "/" || path === directory || path.startsWith(`${directory}/`));
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
