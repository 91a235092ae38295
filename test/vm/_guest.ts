/** Helpers for tests that run as root in a guest of their own. */
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");

/** Runs a script of the guest's shell and gives what it printed, trimmed. Anything except exit code 0 is an error. */
export async function sh(script: string): Promise<string> {
  if (!process.env.TUG_TEST_GUEST) throw new Error("these tests change the machine: run them by ./dev test --vm");
  const child = Bun.spawn(["sh", "-c", script], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${script}: exit code ${code}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** Waits until a script succeeds. */
export async function until(script: string): Promise<void> {
  await sh(`i=0; until ${script}; do i=$((i+1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done`);
}

/** Puts tugd and its units where a package would, known to systemd and not started. */
export async function installUnits(): Promise<void> {
  await sh(`groupadd --force docker
    install ${ROOT}/dist/tugd /usr/bin/tugd
    install -m 644 ${ROOT}/packaging/tugd.service ${ROOT}/packaging/tugd.socket /etc/systemd/system/
    systemctl daemon-reload`);
}

/** Takes them and all that the service made off the machine again. */
export async function removeUnits(): Promise<void> {
  await sh(`systemctl disable --now tugd.socket tugd.service
    tugd --cleanup
    rm -rf /var/lib/tug /run/tug /usr/bin/tugd /etc/systemd/system/tugd.*
    systemctl daemon-reload`);
}

/** The docker command line against the installed service. */
export function docker(command: string): Promise<string> {
  return sh(`docker -H unix:///run/tug/tug.sock ${command}`);
}
