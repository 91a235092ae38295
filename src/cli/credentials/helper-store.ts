import { EngineError } from "#lib/errors";
import type { CredentialStore, Login } from "./credentials.ts";

type Env = Readonly<Record<string, string | undefined>>;

const PREFIX = "docker-credential-";
/** In place of a user's name: the secret is an identity token. */
const TOKEN_USER = "<token>";
/** What every helper prints when it has nothing, whatever it is a helper for. */
const NOT_FOUND = "credentials not found in native keychain";
/** An answer is one small document; a helper that floods us is broken. */
const ANSWER_LIMIT_BYTES = 1 << 20;

/** Whether there is such a helper on the path. */
export function hasHelper(name: string, env: Env): boolean {
  return find(`${PREFIX}${name}`, env) !== undefined;
}

/**
 * Logins in a keychain of the system, behind the program `docker-credential-NAME`: one verb each time (`get`, `store`,
 * `erase`, `list`), the question on its stdin, the answer on its stdout, an exit code for whether it worked.
 */
export class HelperStore implements CredentialStore {
  readonly #program: string;
  readonly #env: Env;

  constructor(name: string, env: Env) {
    this.#program = `${PREFIX}${name}`;
    this.#env = env;
  }

  async get(server: string): Promise<Login | undefined> {
    const { failed, output } = await this.#call("get", server);
    if (failed !== undefined) {
      if (output === NOT_FOUND) return undefined;
      throw helperFailed("getting", failed, output);
    }
    const { Username: username = "", Secret: secret = "" } = parse(output) as { Username?: string; Secret?: string };
    return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
  }

  async store(server: string, { username = "", password = "", identityToken }: Login): Promise<void> {
    const [Username, Secret] = identityToken === undefined ? [username, password] : [TOKEN_USER, identityToken];
    const { failed, output } = await this.#call("store", JSON.stringify({ ServerURL: server, Username, Secret }));
    if (failed !== undefined) throw helperFailed("storing", failed, output);
  }

  async erase(server: string): Promise<void> {
    const { failed, output } = await this.#call("erase", server);
    if (failed !== undefined && output !== NOT_FOUND) throw helperFailed("erasing", failed, output);
  }

  async list(): Promise<readonly string[]> {
    const { failed, output } = await this.#call("list", "unused");
    if (failed !== undefined) throw helperFailed("listing", failed, output);
    return Object.keys(parse(output));
  }

  async #call(verb: string, input: string): Promise<{ failed: string | undefined; output: string }> {
    const path = find(this.#program, this.#env);
    if (path === undefined) {
      return { failed: `exec: "${this.#program}": executable file not found in $PATH`, output: "" };
    }
    // What it says on stderr is for the user: a keychain may ask for its passphrase there.
    const child = Bun.spawn([path, verb], {
      env: { ...this.#env },
      stdin: Buffer.from(input),
      stdout: "pipe",
      stderr: "inherit",
      maxBuffer: ANSWER_LIMIT_BYTES,
    });
    const output = (await new Response(child.stdout).text()).trim();
    const code = await child.exited;
    return { failed: code === 0 ? undefined : `exit status ${code}`, output };
  }
}

function find(program: string, env: Env): string | undefined {
  return Bun.which(program, { PATH: env.PATH ?? "" }) ?? undefined;
}

function parse(output: string): object {
  try {
    const value: unknown = JSON.parse(output);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below. The text itself may hold a secret.
  }
  throw new EngineError("internal", "the credential helper's answer is no JSON object");
}

function helperFailed(verb: string, failed: string, output: string): EngineError {
  return new EngineError("internal", `error ${verb} credentials - err: ${failed}, out: \`${output}\``);
}
