import { join } from "node:path";
import type { ContainerID } from "./container.ts";
import type { ContainerPaths } from "./containers.ts";

/**
 * Where the files of containers lie.
 *
 *     DATA_ROOT/containers/ID/          ID-json.log (and .1, .2 …)
 *     DATA_ROOT/volumes/NAME/_data/     an anonymous volume
 *     DATA_ROOT/removed/                what is being deleted; emptied at start
 *     EXEC_ROOT/tasks/ID32/             socket, exit.json, config.json; hosts, hostname, resolv.conf, made anew at each start
 *     EXEC_ROOT/ended/                  what is being deleted of them; emptied at start
 *     EXEC_ROOT/look/                   where plans that look at files mount what they need beside
 *     EXEC_ROOT/tasks/ID32/execs/ID32/  socket, exit.json
 *
 * IDs are cut to 32 digits below EXEC_ROOT: a socket's path may have 107 bytes only.
 */
export class Layout {
  readonly dataRoot: string;
  readonly execRoot: string;

  constructor(roots: { dataRoot: string; execRoot: string }) {
    this.dataRoot = roots.dataRoot;
    this.execRoot = roots.execRoot;
  }

  get containers(): string {
    return join(this.dataRoot, "containers");
  }

  get volumes(): string {
    return join(this.dataRoot, "volumes");
  }

  get removed(): string {
    return join(this.dataRoot, "removed");
  }

  get tasks(): string {
    return join(this.execRoot, "tasks");
  }

  get endedTasks(): string {
    return join(this.execRoot, "ended");
  }

  get scratch(): string {
    return join(this.execRoot, "look");
  }

  container(id: ContainerID): string {
    return join(this.containers, id);
  }

  volume(name: string): string {
    return join(this.volumes, name);
  }

  files(id: ContainerID): ContainerPaths {
    const { path } = this.task(id);
    return {
      log: join(this.container(id), `${id}-json.log`),
      hosts: join(path, "hosts"),
      hostname: join(path, "hostname"),
      resolvConf: join(path, "resolv.conf"),
    };
  }

  /** The run-time folder of a container's task. */
  task(id: ContainerID): MonitorFolder {
    return monitorFolder(join(this.tasks, shortened(id)));
  }

  exec(id: ContainerID, execID: string): MonitorFolder {
    return monitorFolder(join(this.tasks, shortened(id), "execs", shortened(execID)));
  }
}

/** What belongs to one monitor. */
export interface MonitorFolder {
  readonly path: string;
  readonly socket: string;
  readonly exit: string;
  /** The OCI document. */
  readonly spec: string;
  /** The tmpfs that containers share as /dev/shm. */
  readonly shm: string;
  /** Files of a foreign runtime. */
  readonly pidFile: string;
  readonly consoleSocket: string;
  readonly runtimeLog: string;
}

function monitorFolder(path: string): MonitorFolder {
  return {
    path,
    socket: join(path, "socket"),
    exit: join(path, "exit.json"),
    spec: join(path, "config.json"),
    shm: join(path, "shm"),
    pidFile: join(path, "pid"),
    consoleSocket: join(path, "console"),
    runtimeLog: join(path, "runtime.log"),
  };
}

/** How many hex digits of an ID name a folder below the exec root. */
export function shortened(id: string): string {
  return id.slice(0, 32);
}
