/** The one error type for everything that the world can do to us. */
export { EngineError, type ErrorKind, isKind, messageOf } from "./engine-error.ts";
