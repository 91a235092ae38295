/** What containers can refuse, in Docker's words: clients and scripts match on them. */
import { EngineError } from "#lib/errors";
import type { Container } from "./container.ts";

export const noSuchContainer = (reference: string) => new EngineError("not-found", `No such container: ${reference}`);

/** One that an option of another container names. */
export const noSuchReferenced = (reference: string) =>
  new EngineError("invalid-parameter", `No such container: ${reference}`);

export const ambiguousPrefix = (prefix: string) =>
  new EngineError("invalid-parameter", `multiple IDs found with provided prefix: ${prefix}`);

export const nameInUse = (name: string, id: string) =>
  new EngineError(
    "conflict",
    `Conflict. The container name "/${name}" is already in use by container "${id}". ` +
      "You have to remove (or rename) that container to be able to reuse that name.",
    { data: { name, id } },
  );

export const invalidName = (name: string) =>
  new EngineError("invalid-parameter", `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);

export const notRunning = (id: string) => new EngineError("conflict", `container ${id} is not running`);

export const isRestarting = (id: string) =>
  new EngineError("conflict", `Container ${id} is restarting, wait until the container is running`);

export const isBeingRemoved = (id: string) =>
  new EngineError("conflict", `container is marked for removal and cannot be started: ${id}`);

export const alreadyStarted = (name: string) => new EngineError("not-modified", `container ${name} is already running`);

export const alreadyStopped = (name: string) => new EngineError("not-modified", `container ${name} is already stopped`);

export const startWhilePaused = () =>
  new EngineError("conflict", "cannot start a paused container, try unpause instead");

export const pausedBeforeAttach = (reference: string) =>
  new EngineError("conflict", `container ${reference} is paused, unpause the container before attach`);

export const restartingBeforeAttach = (reference: string) =>
  new EngineError(
    "conflict",
    `container ${reference} is restarting, wait until the container is running before attach`,
  );

export const pausedBeforeExec = (reference: string) =>
  new EngineError("conflict", `Container ${reference} is paused, unpause the container before exec`);

export const alreadyPaused = (id: string) => new EngineError("conflict", `Container ${id} is already paused`);

/** Docker answers this one with status 500. */
export const notPaused = (id: string) => new EngineError("internal", `Container ${id} is not paused`);

export const cannotKill = (reference: string, cause: EngineError) =>
  new EngineError(cause.kind, `cannot kill container: ${reference}: ${cause.message}`, { cause });

export const invalidSignal = (signal: string) => new EngineError("invalid-parameter", `invalid signal: ${signal}`);

export const unknownSignal = (signal: string) =>
  new EngineError("invalid-parameter", `the linux daemon does not support signal ${signal}`);

export const removeWhileRunning = ({ name, state }: Container) =>
  state.status === "paused"
    ? new EngineError("conflict", `cannot remove container "${name}": container is paused and must be unpaused first`)
    : new EngineError(
        "conflict",
        `cannot remove container "${name}": container is running: stop the container before removing or force remove`,
      );

export const removalInProgress = (name: string) =>
  new EngineError("conflict", `removal of container ${name} is already in progress`);

/** Docker's answer to who takes a container's name for a link's. */
export const defaultLink = () =>
  new EngineError("internal", "Conflict, cannot remove the default link name of the container");

/** A name that cannot be had, as `rename` says it. */
export const cannotRename = (cause: EngineError) =>
  new EngineError(cause.kind, `Error when allocating new name: ${cause.message}`, { cause });

export const renameSame = () =>
  new EngineError("invalid-parameter", "Renaming a container with the same name as its current name");

export const renameEmpty = () => new EngineError("invalid-parameter", "Neither old nor new names may be empty");

export const noStream = () =>
  new EngineError("invalid-parameter", "Bad parameters: you must choose at least one stream");

export const noLogReader = () =>
  new EngineError("not-implemented", "configured logging driver does not support reading");

export const noSuchExec = (id: string) => new EngineError("not-found", `No such exec instance: ${id}`);

export const noCommand = () => new EngineError("invalid-parameter", "no command specified");

export const noExecCommand = () => new EngineError("invalid-parameter", "No exec command specified");

export const invalidTime = (value: string) =>
  new EngineError("internal", `strconv.ParseInt: parsing "${value}": invalid syntax`);

export const noSuchFile = (path: string, reference: string, cause: unknown) =>
  new EngineError("not-found", `Could not find the file ${path} in container ${reference}`, { cause });

export const notADirectory = (path: string, cause: unknown) =>
  new EngineError("invalid-parameter", `lstat ${path}: not a directory`, { cause });

/** A tar that cannot be put where it is to go; the message is about the member. */
export const cannotExtract = (message: string, cause?: unknown) =>
  new EngineError("invalid-parameter", message, { cause });

export const noExtractionPoint = () => new EngineError("invalid-parameter", "extraction point is not a directory");

export const readOnlyRoot = () => new EngineError("invalid-parameter", "container rootfs is marked read-only");

export const readOnlyVolume = () => new EngineError("invalid-parameter", "mounted volume is marked read-only");

export const commitWhileRemoving = (id: string) =>
  new EngineError("conflict", `You cannot commit container ${id} which is being removed`);

export const commitWhileDead = (id: string) =>
  new EngineError("conflict", `You cannot commit container ${id} which is Dead`);

export const noSuchVolume = (name: string) => new EngineError("not-found", `get ${name}: no such volume`);

export const volumeInUse = (name: string, users: readonly string[]) =>
  new EngineError("conflict", `remove ${name}: volume is in use - [${users.join(", ")}]`);

/** An option that was accepted from nobody: what it is, and why it cannot act. */
export const refused = (why: string) => new EngineError("invalid-parameter", why);
