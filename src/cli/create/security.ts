import { EngineError, messageOf } from "#lib/errors";
import { quote } from "#lib/template";
import { readFile } from "./env-files.ts";

export interface SecurityOptions {
  readonly options: readonly string[] | null;
  /** Empty, not null, when the user wants none of the paths covered. */
  readonly maskedPaths: readonly string[] | null;
  readonly readonlyPaths: readonly string[] | null;
}

/** What `--security-opt` asks for; a seccomp profile is read here, since the engine does not see our files. */
export function parseSecurityOptions(given: readonly string[]): SecurityOptions {
  const bare = given.includes("systempaths=unconfined");
  const options = given.filter((option) => option !== "systempaths=unconfined").map(resolveOption);
  return {
    options: given.length === 0 ? null : options,
    maskedPaths: bare ? [] : null,
    readonlyPaths: bare ? [] : null,
  };
}

function resolveOption(option: string): string {
  if (option === "no-new-privileges") return option;
  const separator = option.includes("=") ? "=" : ":";
  const at = option.indexOf(separator);
  const value = option.slice(at + 1);
  if (at < 0 || value === "") throw new EngineError("invalid-parameter", `Invalid --security-opt: ${quote(option)}`);
  if (option.slice(0, at) !== "seccomp" || value === "unconfined" || value === "builtin") return option;
  return `seccomp=${readProfile(value)}`;
}

function readProfile(path: string): string {
  let text: string;
  try {
    text = new TextDecoder().decode(readFile(path));
  } catch (error) {
    throw new EngineError("invalid-parameter", `opening seccomp profile (${path}) failed: ${messageOf(error)}`);
  }
  try {
    JSON.parse(text);
  } catch (error) {
    const reason = messageOf(error);
    throw new EngineError("invalid-parameter", `compacting json for seccomp profile (${path}) failed: ${reason}`);
  }
  return compactJson(text);
}

/** Takes out blanks between tokens; numbers stay as written, since those of 64 bits do not fit ours. */
function compactJson(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (token) => (token.startsWith('"') ? token : ""));
}
