/** How much memory does the engine itself take? */
import { api, type Engine, engines, residentKiB } from "../_lib/engines.ts";
import { report } from "../_lib/report.ts";

const CONTAINERS = 50;

await using both = await engines();

async function startIdle(engine: Engine): Promise<string> {
  const { Id } = await api<{ Id: string }>(engine, "POST", "/containers/create", {
    Image: "busybox",
    Cmd: ["sleep", "3600"],
  });
  await api(engine, "POST", `/containers/${Id}/start`);
  return Id;
}

async function measure(engine: Engine): Promise<{ idleMiB: number; perContainerMiB: number }> {
  const idle = await residentKiB(engine.processes());
  const ids: string[] = [];
  for (let count = 0; count < CONTAINERS; count++) ids.push(await startIdle(engine));
  const loaded = await residentKiB(engine.processes());
  await Promise.all(ids.map((id) => api(engine, "DELETE", `/containers/${id}?force=1`)));
  return { idleMiB: idle.rss / 1024, perContainerMiB: (loaded.rss - idle.rss) / CONTAINERS / 1024 };
}

const tug = await measure(both.tug);
const docker = await measure(both.docker);
report(import.meta.dir, [
  {
    what: "idle daemon with its companions, resident",
    unit: "MiB",
    tug: tug.idleMiB,
    docker: docker.idleMiB,
    budget: "≤ 90",
  },
  {
    what: "each idle container, all of the engine's processes",
    unit: "MiB",
    tug: tug.perContainerMiB,
    docker: docker.perContainerMiB,
    budget: "≤ 1.5",
  },
]);
