import type { Exec } from "#core/containers";

/** `GET /exec/{id}/json`. */
export function execInspect({ id, containerID, config, state }: Exec): Record<string, unknown> {
  const [entrypoint = "", ...args] = config.command;
  return {
    ID: id,
    Running: state.status === "running",
    ExitCode: state.status === "exited" ? state.exitCode : null,
    ProcessConfig: {
      tty: config.tty,
      entrypoint,
      arguments: args,
      privileged: config.privileged,
      ...(config.user !== "" && { user: config.user }),
    },
    OpenStdin: config.attachStdin,
    OpenStderr: config.attachStderr,
    OpenStdout: config.attachStdout,
    CanRemove: false,
    ContainerID: containerID,
    DetachKeys: config.detachKeys,
    Pid: state.status === "created" ? 0 : state.pid,
  };
}
