import { describe, expect, test } from "bun:test";
import type { Event } from "./event.ts";
import { parseFilters } from "./filters.ts";
import { eventMatcher } from "./matches.ts";

const ID = "ab".repeat(32);
const start: Event = {
  type: "container",
  action: "start",
  actorID: ID,
  attributes: { name: "web1", image: "team/app:v1", tier: "front" },
  timeNano: 1n,
};
const tagged: Event = {
  type: "image",
  action: "tag",
  actorID: `sha256:${ID}`,
  attributes: { name: "app:v1" },
  timeNano: 2n,
};
const execCreate: Event = { ...start, action: "exec_create: ls -l" };
const healthy: Event = { ...start, action: "health_status: healthy" };

describe("eventMatcher()", () => {
  test.each<[string, Event, boolean]>([
    ["{}", start, true],
    ['{"type":["container"]}', start, true],
    ['{"type":["image","volume"]}', start, false],
    ['{"event":["start"]}', start, true],
    ['{"event":["sta"]}', start, false],
    ['{"event":["exec_create"]}', execCreate, true],
    ['{"event":["exec_create: ls -l"]}', execCreate, true],
    ['{"event":["exec_create: ls"]}', execCreate, false],
    ['{"event":["health_status"]}', healthy, true],
    ['{"event":["health_status: healthy"]}', healthy, true],
    ['{"event":["health_status: unhealthy"]}', healthy, false],
    ['{"container":["web1"]}', start, true],
    ['{"container":["we"]}', start, true],
    ['{"container":["abab"]}', start, true],
    ['{"container":["b"]}', start, false],
    ['{"network":["web1"]}', start, true],
    ['{"image":["team/app:v1"]}', start, true],
    ['{"image":["team/app"]}', start, true],
    ['{"image":["team"]}', start, false],
    ['{"image":["app"]}', tagged, true],
    [`{"image":["sha256:${ID}"]}`, tagged, true],
    ['{"label":["tier=front"]}', start, true],
    ['{"label":["tier","name=web1"]}', start, true],
    ['{"label":["tier=back"]}', start, false],
    ['{"scope":["local"]}', start, true],
    ['{"scope":["swarm"]}', start, false],
    ['{"type":["container"],"event":["die"]}', start, false],
    ['{"nonsense":["x"]}', start, true],
  ])("%s", (filters, event, expected) => {
    expect(eventMatcher(parseFilters(filters))(event)).toBe(expected);
  });
});
