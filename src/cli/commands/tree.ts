/** All commands by their names. The commands themselves are loaded when they are run, or asked for help. */
import type { AnyCommand, CommandGroup, CommandLeaf, CommandNode } from "../command.ts";

function command(name: string, load: () => Promise<AnyCommand>, ...aliases: string[]): CommandLeaf {
  return { kind: "command", name, aliases, load };
}

function group(name: string, summary: string, children: readonly CommandNode[]): CommandGroup {
  return { kind: "group", name, summary, children };
}

/** The same command in another place: under its own name, or another one and without its aliases. */
function also(leaf: CommandLeaf, name = leaf.name): CommandLeaf {
  return { ...leaf, name, aliases: [] };
}

const attach = command("attach", async () => (await import("./container/attach.ts")).attach);
const commit = command("commit", async () => (await import("./container/commit.ts")).commit);
const cp = command("cp", async () => (await import("./cp.ts")).cp);
const create = command("create", async () => (await import("./container/create.ts")).create);
const diff = command("diff", async () => (await import("./diff.ts")).diff);
const exec = command("exec", async () => (await import("./container/exec.ts")).exec);
const exportFiles = command("export", async () => (await import("./container/export.ts")).exportFiles);
const kill = command("kill", async () => (await import("./container/kill.ts")).kill);
const logs = command("logs", async () => (await import("./container/logs.ts")).logs);
const ps = command("ls", async () => (await import("./container/ls.ts")).ls, "list", "ps");
const pause = command("pause", async () => (await import("./container/pause.ts")).pause);
const port = command("port", async () => (await import("./container/port.ts")).port);
const rename = command("rename", async () => (await import("./container/rename.ts")).rename);
const restart = command("restart", async () => (await import("./container/restart.ts")).restart);
const rm = command("rm", async () => (await import("./container/rm.ts")).rm, "remove");
const run = command("run", async () => (await import("./container/run.ts")).run);
const start = command("start", async () => (await import("./container/start.ts")).start);
const stop = command("stop", async () => (await import("./container/stop.ts")).stop);
const top = command("top", async () => (await import("./container/top.ts")).top);
const unpause = command("unpause", async () => (await import("./container/unpause.ts")).unpause);
const wait = command("wait", async () => (await import("./container/wait.ts")).wait);

const explain = command("explain", async () => (await import("./image/explain.ts")).explain);
const history = command("history", async () => (await import("./image/history.ts")).history);
const importImage = command("import", async () => (await import("./image/import.ts")).importImage);
const load = command("load", async () => (await import("./image/load.ts")).load);
const images = command("ls", async () => (await import("./image/ls.ts")).ls, "list");
const pull = command("pull", async () => (await import("./image/pull.ts")).pull);
const push = command("push", async () => (await import("./image/push.ts")).push);
const rmi = command("rm", async () => (await import("./image/rm.ts")).rm, "remove");
const save = command("save", async () => (await import("./image/save.ts")).save);
const tag = command("tag", async () => (await import("./image/tag.ts")).tag);

const events = command("events", async () => (await import("./system/events.ts")).events);
const info = command("info", async () => (await import("./system/info.ts")).info);

const container = group("container", "Manage containers", [
  attach,
  commit,
  cp,
  create,
  diff,
  exec,
  exportFiles,
  command("inspect", async () => (await import("./container/inspect.ts")).inspect),
  kill,
  logs,
  ps,
  pause,
  port,
  command("prune", async () => (await import("./container/prune.ts")).prune),
  rename,
  restart,
  rm,
  run,
  start,
  stop,
  top,
  unpause,
  wait,
]);

const image = group("image", "Manage images", [
  explain,
  history,
  importImage,
  command("inspect", async () => (await import("./image/inspect.ts")).inspect),
  load,
  images,
  command("prune", async () => (await import("./image/prune.ts")).prune),
  pull,
  push,
  rmi,
  save,
  tag,
]);

const manifest = group("manifest", "Manage image manifests and manifest lists", [
  command("annotate", async () => (await import("./manifest/annotate.ts")).annotate),
  command("create", async () => (await import("./manifest/create.ts")).create),
  command("inspect", async () => (await import("./manifest/inspect.ts")).inspect),
  command("push", async () => (await import("./manifest/push.ts")).push),
  command("rm", async () => (await import("./manifest/rm.ts")).rm),
]);

const network = group("network", "Manage networks", [
  command("inspect", async () => (await import("./network/inspect.ts")).inspect),
  command("ls", async () => (await import("./network/ls.ts")).ls, "list"),
]);

const registry = group("registry", "Serve images to others", [
  command("gc", async () => (await import("./registry/gc.ts")).gc),
  command("htpasswd", async () => (await import("./registry/htpasswd.ts")).htpasswd),
  command("serve", async () => (await import("./registry/serve.ts")).serve),
]);

const system = group("system", "Manage tug", [
  command("df", async () => (await import("./system/df.ts")).df),
  events,
  info,
  command("prune", async () => (await import("./system/prune.ts")).prune),
]);

const volume = group("volume", "Manage volumes", [
  command("inspect", async () => (await import("./volume/inspect.ts")).inspect),
  command("ls", async () => (await import("./volume/ls.ts")).ls, "list"),
]);

export const commandTree: CommandGroup = group("tug", "A container engine that speaks Docker's API", [
  also(attach),
  command("cat", async () => (await import("./image/cat.ts")).cat),
  also(commit),
  command("completion", async () => (await import("./completion.ts")).completion),
  command("__complete", async () => (await import("./complete.ts")).complete),
  container,
  also(cp),
  also(create),
  also(diff),
  also(events),
  also(exec),
  also(explain),
  also(exportFiles),
  also(history),
  image,
  also(images, "images"),
  also(importImage),
  also(info),
  command("inspect", async () => (await import("./inspect.ts")).inspect),
  also(kill),
  also(load),
  command("login", async () => (await import("./registry/login.ts")).login),
  command("logout", async () => (await import("./registry/logout.ts")).logout),
  also(logs),
  command("ls", async () => (await import("./image/ls-files.ts")).lsFiles),
  manifest,
  network,
  also(pause),
  command("plan", async () => (await import("./container/plan.ts")).plan),
  also(port),
  also(ps, "ps"),
  also(pull),
  also(push),
  registry,
  also(rename),
  also(restart),
  also(rm),
  also(rmi, "rmi"),
  also(run),
  also(save),
  command("search", async () => (await import("./registry/search.ts")).search),
  also(start),
  also(stop),
  system,
  also(tag),
  also(top),
  also(unpause),
  command("version", async () => (await import("./system/version.ts")).version),
  volume,
  also(wait),
]);
