import type { Capture } from "./capture.ts";

/**
 * Tells systemd that the API answers (sd_notify(3)), when systemd started this process and waits for that. It listens on a
 * datagram socket, which Bun cannot send to, so its own program does.
 */
export async function notifyReady(socket: string | undefined, capture: Capture): Promise<void> {
  if (socket) await capture(["systemd-notify", "--ready"]);
}
