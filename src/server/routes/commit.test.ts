import { expect, test } from "bun:test";
import type { CommitRequest } from "#core/containers";
import type { ImageID } from "#core/images";
import { call, testApi } from "../_testing.ts";

const ID = `sha256:${"1".repeat(64)}` as ImageID;

function commits() {
  const asked: unknown[] = [];
  const commit = async (container: string, { signal: _, ...request }: CommitRequest) => {
    asked.push([container, request]);
    return ID;
  };
  return { api: testApi({ containers: { commit } }).api, asked };
}

const PLAIN = { pause: true, author: "", comment: "", changes: [] };

test.each([
  ["container=web", undefined, PLAIN],
  ["container=web&repo=a", undefined, { ...PLAIN, reference: "docker.io/library/a" }],
  ["container=web&repo=a:1", undefined, { ...PLAIN, reference: "docker.io/library/a:1" }],
  ["container=web&repo=a:1&tag=2", undefined, { ...PLAIN, reference: "docker.io/library/a:2" }],
  ["container=web&tag=2", undefined, PLAIN],
  ["container=web&pause=0", undefined, { ...PLAIN, pause: false }],
  ["container=web&pause=", undefined, PLAIN],
  [
    "container=web&author=me&comment=why&changes=CMD+sh&changes=USER+1",
    undefined,
    { ...PLAIN, author: "me", comment: "why", changes: ["CMD sh", "USER 1"] },
  ],
  ["container=web", { Cmd: ["sh"], Env: ["A=b"] }, { ...PLAIN, config: { Cmd: ["sh"], Env: ["A=b"] } }],
])("POST /commit?%s with %j", async (query, body, request) => {
  const { api, asked } = commits();
  const answer = await call(api, `POST /commit?${query}`, body ? { body } : {});
  expect(answer).toMatchObject({ status: 201, text: `{"Id":"${ID}"}\n` });
  expect(asked).toEqual([["web", request]]);
});

test.each([
  ["", 'invalid name or ID supplied: ""'],
  ["container=web&repo=UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase"],
  ["container=web&repo=a&tag=a%20b", "invalid tag format"],
  [`container=web&repo=a@sha256:${"1".repeat(64)}`, "cannot import digest reference"],
])("POST /commit?%s is refused: %s", async (query, message) => {
  const { api, asked } = commits();
  const answer = await call(api, `POST /commit?${query}`);
  expect(answer).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
  expect(asked).toEqual([]);
});
