import type { HostConfig, Mount, MountPoint } from "#api/engine";

const PROPAGATIONS = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);

/** The mount points that inspect and list show. `--tmpfs` mounts are not among them in Docker either. */
export function mountPoints(hostConfig: HostConfig): MountPoint[] {
  return [...(hostConfig.Binds ?? []).map(fromBind), ...(hostConfig.Mounts ?? []).map(fromMount)];
}

function fromBind(bind: string): MountPoint {
  const [source = "", destination = "", mode = ""] = bind.split(":");
  const options = mode.split(",");
  return {
    Type: "bind",
    Source: source,
    Destination: destination,
    Mode: mode,
    RW: !options.includes("ro"),
    Propagation: options.find((option) => PROPAGATIONS.has(option)) ?? "rprivate",
  };
}

function fromMount(mount: Mount): MountPoint {
  const type = mount.Type ?? "bind";
  return {
    Type: type,
    Source: type === "bind" ? (mount.Source ?? "") : "",
    Destination: mount.Target ?? "",
    Mode: "",
    RW: mount.ReadOnly !== true,
    Propagation: type === "bind" ? mount.BindOptions?.Propagation || "rprivate" : "",
  };
}
