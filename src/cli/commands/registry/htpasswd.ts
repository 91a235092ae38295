import { resolve } from "node:path";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool } from "../../flags/flag.ts";
import { askSecret, pipedSecret } from "../../prompt.ts";

export const htpasswd = defineCommand({
  usage: "[OPTIONS] FILE USER",
  summary: "Add an account to a password file of a registry, or change its password",
  details: "The file is made when it is missing. A registry that runs reads it again by itself.",
  args: { kind: "exactly", count: 2 },
  flags: {
    delete: bool({ short: "D", help: "Remove the account" }),
    "password-stdin": bool({ help: "Take the password from stdin" }),
  },
  completeArgs: "files",
  async run(context, { flags, args }) {
    const [file = "", username = ""] = args;
    const path = resolve(context.io.cwd, file);
    const registry = await context.io.registry();
    const password = flags.delete ? undefined : await passwordFor(context, flags["password-stdin"]);
    await registry.saveAccount(path, { username, password });
  },
});

async function passwordFor({ io }: Context, isPiped: boolean): Promise<string> {
  if (isPiped) return await pipedSecret(io);
  const password = await askSecret(io, "New password: ");
  if ((await askSecret(io, "Re-type new password: ")) !== password) {
    throw new EngineError("invalid-parameter", "the passwords differ");
  }
  return password;
}
