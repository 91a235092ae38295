/** What is there when run.sh cuts the power; `after.test.ts` looks for it. */
import { expect, test } from "bun:test";
import { makeBusyboxImage } from "../../fixtures/busybox.ts";
import { docker, installUnits, sh } from "../_guest.ts";

test("a service that starts with the machine has containers in every state", async () => {
  await installUnits();
  await sh("systemctl enable --now tugd.socket tugd.service");
  await docker(`load -q -i ${await makeBusyboxImage()}`);
  await docker("run -d --name always --restart=always busybox sh -c 'echo started; exec sleep 600'");
  await docker("run -d --name once busybox sleep 600");
  await docker("create --name made busybox true");
  expect(await docker("run --name ended busybox sh -c 'echo words; exit 3' || true")).toBe("words");
  await docker("run -d --name gone busybox sleep 600");
  await docker("rm -f gone");
});
