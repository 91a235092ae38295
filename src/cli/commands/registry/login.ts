import { type EngineClient, registries } from "#client";
import { EngineError, messageOf } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { authConfig, HUB_SERVER, type Login, serverOf } from "../../credentials/credentials.ts";
import { storeFor } from "../../credentials/stores.ts";
import { bool, string } from "../../flags/flag.ts";
import { askLine, askSecret, pipedSecret } from "../../prompt.ts";
import { warnOfEnvironmentAuth } from "./_environment.ts";

export const login = defineCommand({
  usage: "[OPTIONS] [SERVER]",
  summary: "Authenticate to a registry",
  details: "Defaults to Docker Hub if no server is specified.",
  args: { kind: "at-most", count: 1 },
  flags: {
    password: string({ short: "p", help: "Password or Personal Access Token (PAT)" }),
    "password-stdin": bool({ help: "Take the Password or Personal Access Token (PAT) from stdin" }),
    username: string({ short: "u", help: "Username" }),
  },
  completeArgs: "registries",
  completeFlags: { username: "none", password: "none" },
  async run(context, { flags, args, given }) {
    if (given("username") && flags.username === "") throw invalid("username is empty");
    if (given("password") && flags.password === "") throw invalid("password is empty");
    const password = await givenPassword(context, flags);
    const username = flags.username.trim();
    warnOfEnvironmentAuth(context);
    const server = serverOf(args[0] ?? "");
    const engine = await context.engine();
    const stored = username === "" && password === "" ? await storedLogin(context, server) : undefined;
    const status =
      (stored?.password && (await tryStored(context, engine, { server, login: stored }))) ||
      (await logIn(context, engine, { server, login: await ask(context, { server, username, password, stored }) }));
    if (status !== "") context.io.stdout.write(`${status}\n`);
  },
});

interface PasswordFlags {
  readonly username: string;
  readonly password: string;
  readonly "password-stdin": boolean;
}

async function givenPassword({ io }: Context, flags: PasswordFlags): Promise<string> {
  const isPiped = flags["password-stdin"];
  if (flags.password !== "") {
    if (isPiped) throw invalid("conflicting options: cannot specify both --password and --password-stdin");
    io.stderr.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  }
  if (!isPiped) return flags.password;
  if (flags.username === "") throw invalid("the --password-stdin option requires --username to be set");
  return await pipedSecret(io);
}

/** A store that fails keeps nobody from logging in: what it would have told is asked for. */
async function storedLogin(context: Context, server: string): Promise<Login | undefined> {
  try {
    return await storeFor(context, server).get(server);
  } catch (error) {
    context.io.stderr.write(`WARNING: ${messageOf(error)}\n`);
    return undefined;
  }
}

interface Attempt {
  readonly server: string;
  readonly login: Login;
}

/** The registry's word for a login that still holds; undefined when it does not any more. */
async function tryStored(context: Context, engine: EngineClient, attempt: Attempt): Promise<string | undefined> {
  const { stderr } = context.io;
  stderr.write(`Authenticating with existing credentials... [Username: ${attempt.login.username ?? ""}]\n`);
  stderr.write("\n Info -> To login with a different account, run 'docker logout' followed by 'docker login'\n\n\n");
  try {
    return await logIn(context, engine, attempt);
  } catch (error) {
    if (!(error instanceof EngineError) || error.data.connecting === true) throw error;
    const hasExpired = error.kind === "unauthorized";
    const text = hasExpired
      ? "Stored credentials invalid or expired"
      : `Login did not succeed, error: ${error.message}`;
    stderr.write(`${text}\n`);
    return undefined;
  }
}

/** Keeps the login once the registry took it: a token in place of the password if it gave one. */
async function logIn(context: Context, engine: EngineClient, { server, login }: Attempt): Promise<string> {
  const { status, identityToken } = await registries.login(engine, authConfig(server, login));
  const { username } = login;
  const kept = identityToken === "" ? login : { ...(username && { username }), identityToken };
  try {
    await storeFor(context, server).store(server, kept);
  } catch (cause) {
    throw new EngineError("internal", `Error saving credentials: ${messageOf(cause)}`, { cause });
  }
  return status;
}

const HUB_HINT = `Log in with your Docker ID or email address to push and pull images from Docker Hub. If you don't have a Docker ID, head over to https://hub.docker.com/ to create one.
You can log in with your password or a Personal Access Token (PAT). Using a limited-scope PAT grants better security and is required for organizations using SSO. Learn more at https://docs.docker.com/go/access-tokens/

`;

interface Known {
  readonly server: string;
  readonly username: string;
  readonly password: string;
  readonly stored: Login | undefined;
}

/** What is not known yet is asked for, which needs somebody at a terminal. */
async function ask({ io }: Context, { server, username, password, stored }: Known): Promise<Login> {
  if (username !== "" && password !== "") return { username, password };
  if (!io.stdin.isTerminal) throw invalid("Error: Cannot perform an interactive login from a non TTY device");
  if (username === "" && server === HUB_SERVER) io.stdout.write(HUB_HINT);
  const name = username || (await askName(io, stored?.username));
  const secret = password || (await askSecret(io, "Password: "));
  if (secret === "") throw invalid("Error: Password Required");
  return { username: name, password: secret };
}

async function askName(io: Context["io"], usual: string | undefined): Promise<string> {
  const name = (await askLine(io, usual ? `Username (${usual}): ` : "Username: ")) || usual;
  if (!name) throw invalid("Error: Non-null Username Required");
  return name;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
