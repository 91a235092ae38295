/**
 * Every option of the daemon: its flag, its key in the configuration file, and how its text is read. Flags and keys
 * are dockerd's; what dockerd has and this engine cannot act on is in `ELSEWHERE`, to be refused with a reason.
 */

export type OptionKind =
  | "string"
  | "boolean"
  | "number"
  /** May be given several times. In the file: a list of strings. */
  | "list"
  /** `key=value`, may be given several times. In the file: an object. */
  | "map";

export interface Option {
  readonly flag: string;
  readonly short?: string;
  /** Key in the configuration file; undefined: a flag only. */
  readonly key?: string;
  readonly kind: OptionKind;
  /** What the value is called in the help. */
  readonly value: string;
  readonly help: string;
}

export const OPTIONS = [
  {
    flag: "add-runtime",
    key: "runtimes",
    kind: "map",
    value: "name=path",
    help: "Register an additional OCI compatible runtime",
  },
  { flag: "bip", key: "bip", kind: "string", value: "string", help: "IPv4 address and prefix of the default bridge" },
  {
    flag: "bridge",
    short: "b",
    key: "bridge",
    kind: "string",
    value: "string",
    help: 'Name of the default bridge; "none" for no bridge network (default "tug0")',
  },
  {
    flag: "cgroup-parent",
    key: "cgroup-parent",
    kind: "string",
    value: "string",
    help: 'Parent cgroup of all containers (default "/tug")',
  },
  { flag: "config-file", kind: "string", value: "string", help: 'Configuration file (default "/etc/tug/daemon.json")' },
  {
    flag: "data-root",
    key: "data-root",
    kind: "string",
    value: "string",
    help: 'Root directory of persistent state (default "/var/lib/tug")',
  },
  { flag: "debug", short: "D", key: "debug", kind: "boolean", value: "", help: "Enable debug mode" },
  {
    flag: "default-runtime",
    key: "default-runtime",
    kind: "string",
    value: "string",
    help: 'Runtime for containers that name none (default "tug")',
  },
  {
    flag: "default-shm-size",
    key: "default-shm-size",
    kind: "string",
    value: "bytes",
    help: "Size of /dev/shm of containers that name none (default 64MiB)",
  },
  {
    flag: "default-ulimit",
    key: "default-ulimits",
    kind: "map",
    value: "ulimit",
    help: "Default ulimits of containers, name=soft[:hard]",
  },
  { flag: "dns", key: "dns", kind: "list", value: "list", help: "DNS servers for containers" },
  { flag: "dns-opt", key: "dns-opts", kind: "list", value: "list", help: "DNS options for containers" },
  { flag: "dns-search", key: "dns-search", kind: "list", value: "list", help: "DNS search domains for containers" },
  {
    flag: "exec-opt",
    key: "exec-opts",
    kind: "list",
    value: "list",
    help: "Runtime execution options: native.cgroupdriver=cgroupfs",
  },
  {
    flag: "exec-root",
    key: "exec-root",
    kind: "string",
    value: "string",
    help: 'Root directory of execution state, on tmpfs (default "/run/tug")',
  },
  {
    flag: "group",
    short: "G",
    key: "group",
    kind: "string",
    value: "string",
    help: 'Group of the unix socket (default "docker")',
  },
  {
    flag: "host",
    short: "H",
    key: "hosts",
    kind: "list",
    value: "list",
    help: 'Sockets to listen on (default "unix:///run/tug/tug.sock")',
  },
  {
    flag: "host-gateway-ip",
    key: "host-gateway-ip",
    kind: "string",
    value: "ip",
    help: 'Address that "host-gateway" in --add-host stands for (default: the bridge\'s)',
  },
  {
    flag: "http-proxy",
    key: "http-proxy",
    kind: "string",
    value: "string",
    help: "HTTP proxy URL to use for outgoing traffic",
  },
  {
    flag: "https-proxy",
    key: "https-proxy",
    kind: "string",
    value: "string",
    help: "HTTPS proxy URL to use for outgoing traffic",
  },
  {
    flag: "init",
    key: "init",
    kind: "boolean",
    value: "",
    help: "Run an init in containers to forward signals and reap processes",
  },
  {
    flag: "insecure-registry",
    key: "insecure-registries",
    kind: "list",
    value: "list",
    help: "Hosts and networks of registries that may speak HTTP, or have certificates of unknown authorities",
  },
  { flag: "label", key: "labels", kind: "list", value: "list", help: "Labels of the daemon, key=value" },
  {
    flag: "live-restore",
    key: "live-restore",
    kind: "boolean",
    value: "",
    help: "Containers outlive the daemon; they always do",
  },
  {
    flag: "log-driver",
    key: "log-driver",
    kind: "string",
    value: "string",
    help: 'Default driver for container logs: json-file, local, none, syslog, journald, gelf or fluentd (default "json-file")',
  },
  {
    flag: "log-format",
    key: "log-format",
    kind: "string",
    value: "text|json",
    help: 'Format of the daemon\'s own log (default "text")',
  },
  {
    flag: "log-level",
    short: "l",
    key: "log-level",
    kind: "string",
    value: "debug|info|warn|error|fatal",
    help: 'Logging level (default "info")',
  },
  { flag: "log-opt", key: "log-opts", kind: "map", value: "map", help: "Default options of the log driver" },
  {
    flag: "max-concurrent-downloads",
    key: "max-concurrent-downloads",
    kind: "number",
    value: "int",
    help: "Layers that are pulled at once (default 3)",
  },
  {
    flag: "max-concurrent-uploads",
    key: "max-concurrent-uploads",
    kind: "number",
    value: "int",
    help: "Layers that are pushed at once (default 5)",
  },
  {
    flag: "max-download-attempts",
    key: "max-download-attempts",
    kind: "number",
    value: "int",
    help: "Tries of each transfer before it has failed (default 5)",
  },
  { flag: "mtu", key: "mtu", kind: "number", value: "int", help: "MTU of the default bridge (default 1500)" },
  {
    flag: "no-new-privileges",
    key: "no-new-privileges",
    kind: "boolean",
    value: "",
    help: "Set no-new-privileges for containers by default",
  },
  {
    flag: "no-proxy",
    key: "no-proxy",
    kind: "string",
    value: "string",
    help: "Comma-separated list of hosts or IP addresses for which the proxy is skipped",
  },
  {
    flag: "pidfile",
    short: "p",
    key: "pidfile",
    kind: "string",
    value: "string",
    help: 'Path of the PID file (default "EXEC-ROOT/tugd.pid")',
  },
  {
    flag: "registry",
    key: "registries",
    kind: "map",
    value: "host=json",
    help: 'How a registry is reached: {"mirrors": [url], "rewrite": [{"from": prefix, "to": prefix}], "insecure": bool}',
  },
  {
    flag: "registry-server",
    key: "registry-server",
    kind: "map",
    value: "key=value",
    help: "Be a registry, too: addr=HOST:PORT and the other keys of a registry's configuration, or config=FILE",
  },
  {
    flag: "registry-mirror",
    key: "registry-mirrors",
    kind: "list",
    value: "list",
    help: "Mirrors of Docker Hub, in the order in which they are tried",
  },
  {
    flag: "seccomp-profile",
    key: "seccomp-profile",
    kind: "string",
    value: "string",
    help: 'Default seccomp profile: "builtin", "unconfined" or a path (default "builtin")',
  },
  {
    flag: "shutdown-timeout",
    key: "shutdown-timeout",
    kind: "number",
    value: "int",
    help: "Seconds that requests at work get at shutdown (default 15)",
  },
  {
    flag: "storage-driver",
    short: "s",
    key: "storage-driver",
    kind: "string",
    value: "string",
    help: "Storage driver: erofs, overlay or vfs (default: the best this kernel has)",
  },
  { flag: "tls", key: "tls", kind: "boolean", value: "", help: "Use TLS on TCP sockets; implied by --tlsverify" },
  {
    flag: "tlscacert",
    key: "tlscacert",
    kind: "string",
    value: "string",
    help: "Trust client certificates signed by this CA",
  },
  { flag: "tlscert", key: "tlscert", kind: "string", value: "string", help: "TLS certificate file" },
  { flag: "tlskey", key: "tlskey", kind: "string", value: "string", help: "TLS key file" },
  { flag: "tlsverify", key: "tlsverify", kind: "boolean", value: "", help: "Use TLS and demand a client certificate" },
  { flag: "validate", kind: "boolean", value: "", help: "Check the configuration and exit" },
  {
    flag: "cleanup",
    kind: "boolean",
    value: "",
    help: "Remove all containers and the network of these roots from the host, and exit",
  },
  { flag: "help", short: "h", kind: "boolean", value: "", help: "Print usage" },
  { flag: "version", short: "v", kind: "boolean", value: "", help: "Print version information and exit" },
] as const satisfies readonly Option[];

export type Flag = (typeof OPTIONS)[number]["flag"];

const NO_SWARM = "this engine has no swarm mode";
const CDI = "specifications of CDI devices are read from /etc/cdi and /var/run/cdi";
const OWN_FIREWALL = "tug keeps to an nft table of its own and leaves all other rules alone";
const ONE_BRIDGE = "the default bridge is the only bridge network yet";

/** dockerd's options without a meaning here, by flag and by key: why not. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  "allow-direct-routing": OWN_FIREWALL,
  "allow-nondistributable-artifacts": "layers that are kept elsewhere are neither pulled nor pushed",
  "api-cors-header": "browsers are no clients of the engine",
  "authorization-plugin": "there are no plugins",
  "authorization-plugins": "there are no plugins",
  bip6: "the default bridge has no IPv6",
  "bridge-accept-fwmark": OWN_FIREWALL,
  builder: "this engine does not build images yet",
  "cdi-spec-dir": CDI,
  "cdi-spec-dirs": CDI,
  containerd: "tug needs no containerd",
  "containerd-namespace": "tug needs no containerd",
  "containerd-plugins-namespace": "tug needs no containerd",
  "cpu-rt-period": "real-time scheduling is set for each container",
  "cpu-rt-runtime": "real-time scheduling is set for each container",
  "cpu-rt-period-us": "real-time scheduling is set for each container",
  "data-root-quota": "there are no quotas",
  "default-address-pool": ONE_BRIDGE,
  "default-address-pools": ONE_BRIDGE,
  "default-cgroupns-mode": "containers get Docker's default: private on cgroup v2",
  "default-gateway": "the bridge's own address is the gateway",
  "default-gateway-v6": "the default bridge has no IPv6",
  "default-ipc-mode": "containers get Docker's default: private",
  "default-network-opt": ONE_BRIDGE,
  "default-network-opts": ONE_BRIDGE,
  "dns-options": "the key is dns-opts",
  experimental: "nothing is experimental",
  features: "there are no features to switch",
  "firewall-backend": OWN_FIREWALL,
  "fixed-cidr": "addresses come from the whole subnet of --bip",
  "fixed-cidr-v6": "the default bridge has no IPv6",
  "host-gateway-ips": "the key is host-gateway-ip",
  icc: "containers on the default bridge always reach each other",
  "init-path": "tug brings its own init",
  ip: "published ports without an address bind to all of them",
  "ip-forward": OWN_FIREWALL,
  "ip-forward-no-drop": OWN_FIREWALL,
  "ip-masq": OWN_FIREWALL,
  ip6tables: OWN_FIREWALL,
  iptables: OWN_FIREWALL,
  ipv6: "the default bridge has no IPv6",
  "metrics-addr": "there are no metrics yet",
  "min-api-version": "the oldest API version is 1.24",
  "network-control-plane-mtu": NO_SWARM,
  "network-diagnostic-port": NO_SWARM,
  "node-generic-resource": NO_SWARM,
  "node-generic-resources": NO_SWARM,
  "oom-score-adjust": "set it where tugd is started",
  "raw-logs": "the log has no colours",
  rootless: "tug runs as root",
  "selinux-enabled": "SELinux labels are not set",
  "storage-opt": "the storage drivers have no options",
  "storage-opts": "the storage drivers have no options",
  "swarm-default-advertise-addr": NO_SWARM,
  "userland-proxy": "there is no proxy process for published ports",
  "userland-proxy-path": "there is no proxy process for published ports",
  "userns-remap": "user namespaces are not there yet",
};
