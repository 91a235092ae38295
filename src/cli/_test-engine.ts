/** An engine for tests: notes every request but pings, and answers with what the test says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RecordedRequest {
  readonly method: string;
  /** With its query, without the version. */
  readonly path: string;
  readonly body: unknown;
}

export interface TestEngine extends Disposable {
  readonly host: string;
  readonly requests: RecordedRequest[];
}

export type Answer = (request: RecordedRequest) => Response | Promise<Response>;

const API_VERSION = "1.50";

export function startTestEngine(answer: Answer): TestEngine {
  const directory = mkdtempSync(join(tmpdir(), "tug-engine-"));
  const socket = join(directory, "engine.sock");
  const requests: RecordedRequest[] = [];
  const server = Bun.serve({
    unix: socket,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      if (pathname.endsWith("/_ping")) {
        return new Response(null, { headers: { "Api-Version": API_VERSION, Ostype: "linux" } });
      }
      const text = await request.text();
      const path = pathname.replace(/^\/v1\.\d+/, "") + search;
      const recorded = { method: request.method, path, body: text === "" ? undefined : JSON.parse(text) };
      requests.push(recorded);
      return answer(recorded);
    },
  });
  return {
    host: `unix://${socket}`,
    requests,
    [Symbol.dispose]() {
      server.stop(true);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
