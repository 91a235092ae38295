import { defineCommand } from "../../command.ts";
import { bool, string } from "../../flags/flag.ts";
import { absoluteFlags, registryFlags } from "./_flags.ts";

export const serve = defineCommand({
  usage: "[OPTIONS]",
  summary: "Serve a registry",
  details: `Pushes and pulls images at HOST:PORT, as any registry does, until SIGTERM or SIGINT: requests at work
are answered first. SIGHUP reads certificates, accounts and rules again, SIGUSR2 collects garbage.

Without accounts everybody may do everything. An address other than a loopback one has TLS, with a certificate
that is made on the first start, unless there is another one or --tls=off.

  tug registry serve --root /srv/registry
  tug registry serve --addr 0.0.0.0:5000 --root /srv/registry --htpasswd /srv/users --anonymous pull`,
  args: { kind: "none" },
  flags: {
    ...registryFlags,
    addr: string({ short: "a", type: "HOST:PORT", help: 'Where to listen (default "127.0.0.1:5000")' }),
    tls: string({ type: "off|auto", help: "TLS with a certificate of the registry's own authority, or none" }),
    htpasswd: string({ type: "file", help: 'Password file with the accounts (see "tug registry htpasswd")' }),
    anonymous: string({
      type: "none|pull|push|all",
      help: 'What clients without an account may do (default "none", without accounts "all")',
    }),
    validate: bool({ help: "Check the configuration and exit" }),
  },
  completeFlags: {
    addr: "none",
    tls: ["off", "auto"],
    anonymous: ["none", "pull", "push", "all"],
  },
  async run(context, { flags }) {
    const registry = await context.io.registry();
    const said = absoluteFlags(context, flags);
    if (flags.validate) {
      await registry.validate(said);
      context.io.stderr.write("configuration OK\n");
    } else await registry.serve(said);
  },
});
