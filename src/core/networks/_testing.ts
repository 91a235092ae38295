/**
 * For tests only: network namespaces, entered by this very thread, and an executor without a process, which
 * does the few ops that networks need. Whatever the test opens or spawns while it is in a namespace belongs to it.
 */
import { dlopen } from "bun:ffi";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { Executor, HostOp, Op } from "#executor";
import { EngineError } from "#lib/errors";
import { decodeAcknowledgements, decodeMessages, isDone } from "#lib/netlink";

const libc = dlopen("libc.so.6", {
  setns: { args: ["int", "int"], returns: "int" },
  unshare: { args: ["int"], returns: "int" },
  socket: { args: ["int", "int", "int"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  send: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
  recv: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
}).symbols;

const CLONE_NEWNET = 0x40000000;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NLM_F_DUMP = 0x300;
const NLM_F_ACK = 4;

/** A network namespace that lives as long as this object. */
export class Netns implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static create(): Netns {
    using _back = Netns.current();
    check("unshare", libc.unshare(CLONE_NEWNET));
    return new Netns(openSync("/proc/thread-self/ns/net", "r"));
  }

  static of(pid: number): Netns {
    return new Netns(openSync(`/proc/${pid}/ns/net`, "r"));
  }

  /** Enters; the thread goes back when the result is disposed. */
  enter(): Disposable {
    const back = Netns.current();
    check("setns", libc.setns(this.#fd, CLONE_NEWNET));
    return back;
  }

  within<T>(body: () => T): T {
    using _back = this.enter();
    return body();
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  private static current(): Disposable {
    const fd = openSync("/proc/thread-self/ns/net", "r");
    return {
      [Symbol.dispose]() {
        check("setns", libc.setns(fd, CLONE_NEWNET));
        closeSync(fd);
      },
    };
  }
}

/** Runs host plans in the namespace in which the thread is when it is called. */
export const directExecutor: Pick<Executor, "run"> = {
  async run(plan) {
    return plan.map((op) => runOp(op, 0));
  },
};

/** Runs a section of a process plan, with the child's pid where it is asked for. */
export function runSection(section: readonly Op[], childPid: number): void {
  for (const op of section) runOp(op as HostOp, childPid);
}

function runOp(op: Op, childPid: number): Uint8Array {
  switch (op.op) {
    case "netlink": {
      const messages = op.messages.slice();
      for (const offset of op.childPidAt) new DataView(messages.buffer).setUint32(offset, childPid, true);
      return talk(op.protocol, messages, { ignore: op.ignore, what: op.what });
    }
    case "write":
      writeFileSync(op.path, op.data, { flag: "r+" });
      return new Uint8Array();
    case "sysctl":
      writeFileSync(`/proc/sys/${op.key}`, op.value, { flag: "r+" });
      return new Uint8Array();
    case "read":
      if (!existsSync(op.path)) throw new EngineError("not-found", `read "${op.path}"`);
      return new Uint8Array(readFileSync(op.path));
    default:
      throw new Error(`op "${op.op}" in a test of networks`);
  }
}

/** Sends messages and collects the answers, until each is acknowledged and each dump is done. */
export function talk(
  protocol: number,
  messages: Uint8Array,
  options: { ignore: readonly number[]; what: string },
): Uint8Array {
  const fd = check("socket", libc.socket(AF_NETLINK, SOCK_RAW, protocol));
  try {
    libc.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, new Uint8Array([1, 0, 0, 0]), 4);
    check("send", Number(libc.send(fd, messages, messages.byteLength, 0)));
    const requests = decodeMessages(messages);
    let waiting = requests.filter(({ flags }) => flags & NLM_F_ACK || (flags & NLM_F_DUMP) === NLM_F_DUMP).length;
    const answers: Uint8Array[] = [];
    while (waiting > 0) {
      const buffer = new Uint8Array(65536);
      const length = check("recv", Number(libc.recv(fd, buffer, buffer.byteLength, 0)));
      const received = decodeMessages(buffer.subarray(0, length));
      for (const { errno, reason, sequence } of decodeAcknowledgements(received)) {
        if (errno !== 0 && !options.ignore.includes(errno)) {
          const data = { errno, sequence };
          throw new EngineError("internal", `${options.what}: errno ${errno} ${reason} (message ${sequence})`, {
            data,
          });
        }
        waiting -= 1;
      }
      if (isDone(received)) waiting -= 1;
      answers.push(buffer.subarray(0, length));
    }
    return Buffer.concat(answers);
  } finally {
    closeSync(fd);
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call} failed`);
  return result;
}
