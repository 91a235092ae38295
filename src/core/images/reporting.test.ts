import { expect, test } from "bun:test";
import type { Progress } from "./image.ts";
import { type Report, reporting } from "./reporting.ts";

const amount = (id: string, current: number): Progress => ({
  id,
  status: "Downloading",
  progressDetail: { current, total: 1000 },
});

async function read(work: (report: Report) => void): Promise<Progress[]> {
  return Array.fromAsync(reporting(async (report) => work(report)));
}

test("reporting() gives who reads late the last amount of each layer, however they came", async () => {
  const reports = await read((report) => {
    for (let current = 0; current < 1000; current++) for (const id of ["a", "b", "c"]) report(amount(id, current));
  });
  expect(reports).toEqual([amount("a", 999), amount("b", 999), amount("c", 999)]);
});

test("reporting() keeps every message that is no amount, in its order", async () => {
  const messages = [{ id: "a", status: "Preparing" }, { status: "1: digest" }, { id: "a", status: "Preparing" }];
  expect(await read((report) => messages.forEach((message) => void report(message)))).toEqual(messages);
});

test("reporting() ends the work of who reads no more, and waits for it", async () => {
  let ended = false;
  const reports = reporting(async (report, signal) => {
    report({ status: "begun" });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended = true;
  });
  await reports.next();
  await reports.return(undefined);
  expect(ended).toBe(true);
});
