import { bool, type FlagValues, list, string } from "./flag.ts";

/** The flags before the command. */
export const globalFlags = {
  config: string({ help: 'Location of client config files (default "~/.docker")' }),
  context: string({
    short: "c",
    help: 'Name of the context to use to connect to the daemon (overrides TUG_HOST and DOCKER_HOST env vars and default context set with "docker context use")',
  }),
  debug: bool({ short: "D", help: "Enable debug mode" }),
  host: list({ short: "H", help: "Daemon socket to connect to" }),
  "log-level": string({
    short: "l",
    default: "info",
    help: 'Set the logging level ("debug", "info", "warn", "error", "fatal")',
  }),
  tls: bool({ help: "Use TLS; implied by --tlsverify" }),
  tlscacert: string({ help: 'Trust certs signed only by this CA (default "~/.docker/ca.pem")' }),
  tlscert: string({ help: 'Path to TLS certificate file (default "~/.docker/cert.pem")' }),
  tlskey: string({ help: 'Path to TLS key file (default "~/.docker/key.pem")' }),
  tlsverify: bool({ help: "Use TLS and verify the remote" }),
  version: bool({ short: "v", help: "Print version information and quit" }),
};

export type GlobalFlags = FlagValues<typeof globalFlags>;
