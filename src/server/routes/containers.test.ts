import { describe, expect, test } from "bun:test";
import type { Containers, CreateRequest, ListQuery } from "#core/containers";
import type { ImageID } from "#core/images";
import { call, container, image, requestOf, testApi } from "../_testing.ts";

const JSON_TYPE = { "content-type": "application/json" };

describe("POST /containers/create", () => {
  function creating(): { api: ReturnType<typeof testApi>["api"]; requests: CreateRequest[] } {
    const requests: CreateRequest[] = [];
    const create: Containers["create"] = async (request) => {
      requests.push(request);
      return { id: container().id, warnings: ["careful"] };
    };
    return { api: testApi({ containers: { create } }).api, requests };
  }

  test("hands on the documents, whatever the case of their fields", async () => {
    const { api, requests } = creating();
    const body = { image: "a", cmd: "sh", HOSTCONFIG: { Memory: 5 }, NetworkingConfig: null };
    const answer = await call(api, "POST /v1.44/containers/create?name=x&platform=linux/amd64", { body });
    expect(answer).toMatchObject({ status: 201, text: `{"Id":"${container().id}","Warnings":["careful"]}\n` });
    expect(requests).toEqual([
      {
        name: "x",
        platform: "linux/amd64",
        config: { Image: "a", Cmd: ["sh"] },
        hostConfig: { Memory: 5 },
        networking: {},
      },
    ]);
  });

  // Bodies, types and answers as a Docker 28.5 gives them.
  test.each([
    ["", JSON_TYPE, "invalid JSON: got EOF while reading request body"],
    ["", {}, "invalid JSON: got EOF while reading request body"],
    ["null", JSON_TYPE, "config cannot be empty in order to create a container"],
    ["{}", JSON_TYPE, "config cannot be empty in order to create a container"],
    ['{"HostConfig":{}}', JSON_TYPE, "config cannot be empty in order to create a container"],
    ['{"Nope":""}', JSON_TYPE, "config cannot be empty in order to create a container"],
    ["{", JSON_TYPE, "invalid JSON: unexpected EOF"],
    ["{} x", JSON_TYPE, "unexpected content after JSON"],
    ['{"Cmd":["}"]}{}', JSON_TYPE, "unexpected content after JSON"],
    [
      "{}",
      { "content-type": "application/x-www-form-urlencoded" },
      "unsupported Content-Type header (application/x-www-form-urlencoded): must be 'application/json'",
    ],
    ["{}", {}, "unsupported Content-Type header (): must be 'application/json'"],
    [
      '{"Image":3}',
      { "content-type": "application/json; charset=utf-8" },
      "invalid JSON: json: cannot unmarshal number into Go struct field .Image of type string",
    ],
  ])("refuses %j with %j", async (body, headers, message) => {
    const { api, requests } = creating();
    const answer = await call(api, "POST /containers/create", { body, headers: headers as Record<string, string> });
    expect(answer).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
    expect(requests).toEqual([]);
  });

  test("refuses a body beyond its limit before it has read all of it", async () => {
    const { api } = creating();
    let sent = 0;
    const request = requestOf("POST /containers/create", { headers: JSON_TYPE });
    const answer = await api({
      ...request,
      body: (async function* () {
        for (; sent < 1000; sent++) yield Buffer.alloc(1024 * 1024, " ");
      })(),
    });
    expect(answer.status).toBe(413);
    expect(sent).toBeLessThan(20);
  });
});

describe("POST /containers/{id}/…", () => {
  const done: string[] = [];
  const note =
    (verb: string) =>
    async (...details: unknown[]): Promise<void> => {
      done.push(`${verb} ${JSON.stringify(details)}`);
    };
  const { api } = testApi({
    containers: {
      start: note("start"),
      stop: note("stop"),
      restart: note("restart"),
      kill: note("kill"),
      pause: note("pause"),
      unpause: note("unpause"),
      rename: note("rename"),
      remove: note("remove"),
    },
  });

  test.each([
    ["POST /containers/a/start", 'start ["a"]'],
    ["POST /containers/a/stop", 'stop ["a",{"signal":""}]'],
    ["POST /containers/a/stop?t=-1&signal=HUP", 'stop ["a",{"signal":"HUP","timeoutSeconds":-1}]'],
    ["POST /v1.41/containers/a/stop?t=5&signal=HUP", 'stop ["a",{"signal":"","timeoutSeconds":5}]'],
    ["POST /containers/a/restart?t=0", 'restart ["a",{"signal":"","timeoutSeconds":0}]'],
    ["POST /containers/a/kill?signal=9", 'kill ["a","9"]'],
    ["POST /containers/a/pause", 'pause ["a"]'],
    ["POST /containers/a/unpause", 'unpause ["a"]'],
    ["POST /containers/a/rename?name=b", 'rename ["a","b"]'],
    ["DELETE /containers/a", 'remove ["a",{"force":false,"volumes":false,"link":false}]'],
    ["DELETE /containers/a?force=1&v=true&link=0", 'remove ["a",{"force":true,"volumes":true,"link":false}]'],
  ])("%s", async (line, expected) => {
    expect(await call(api, line)).toMatchObject({ status: 204, text: "" });
    expect(done.at(-1)).toBe(expected);
  });

  test("start refuses a body, though not the few bytes of very old clients", async () => {
    const message =
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24";
    const long = await call(api, "POST /containers/a/start", { body: { HostConfig: {} } });
    expect(long).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
    const chunked = { "content-length": "0", "transfer-encoding": "chunked" };
    expect((await call(api, "POST /containers/a/start", { headers: chunked })).status).toBe(400);
    expect((await call(api, "POST /containers/a/start", { body: "null" })).status).toBe(204);
  });
});

describe("POST /containers/{id}/wait", () => {
  function waiting(wait: Containers["wait"]) {
    return testApi({ containers: { wait } }).api;
  }

  test("answers before the outcome is known", async () => {
    const outcome = Promise.withResolvers<{ statusCode: number }>();
    const api = waiting(async () => ({ outcome: outcome.promise }));
    const response = await api(requestOf("POST /containers/a/wait", {}));
    expect(response).toMatchObject({ status: 200, endless: true, headers: { "Content-Type": "application/json" } });
    outcome.resolve({ statusCode: 137 });
    expect(await Array.fromAsync(response.body as AsyncIterable<string>)).toEqual(['{"StatusCode":137}\n']);
  });

  test("tells why a wait ended otherwise", async () => {
    const api = waiting(async () => ({ outcome: Promise.resolve({ statusCode: -1, error: "disk full" }) }));
    const { text } = await call(api, "POST /containers/a/wait?condition=removed");
    expect(text).toBe('{"StatusCode":-1,"Error":{"Message":"disk full"}}\n');
  });

  test.each([
    ["/v1.51", "", "not-running"],
    ["/v1.51", "?condition=next-exit", "next-exit"],
    ["/v1.51", "?condition=removed", "removed"],
    ["/v1.29", "?condition=removed", "not-running"],
  ] as const)("%s/containers/a/wait%s waits for %s", async (version, query, condition) => {
    const asked: string[] = [];
    const api = waiting(async (_, wanted) => {
      asked.push(wanted);
      return { outcome: Promise.resolve({ statusCode: 0 }) };
    });
    await call(api, `POST ${version}/containers/a/wait${query}`);
    expect(asked).toEqual([condition]);
  });

  test("refuses another condition", async () => {
    const api = waiting(() => Promise.reject(new Error("must not be asked")));
    const answer = await call(api, "POST /containers/a/wait?condition=foo");
    expect(answer).toMatchObject({ status: 400, text: '{"message":"invalid condition: \\"foo\\""}\n' });
  });
});

describe("GET /containers/json", () => {
  const imageID = container().imageID;

  test.each([
    ["", { all: false, limit: 0, filters: new Map() }],
    ["?all=1&limit=3", { all: true, limit: 3, filters: new Map() }],
    ["?limit=-1", { all: false, limit: 0, filters: new Map() }],
    [
      "?since=a&before=b",
      {
        all: false,
        limit: 0,
        filters: new Map([
          ["since", ["a"]],
          ["before", ["b"]],
        ]),
      },
    ],
    ['?filters={"label":{"a=b":true}}', { all: false, limit: 0, filters: new Map([["label", ["a=b"]]]) }],
    ['?filters={"label":["a=b"]}', { all: false, limit: 0, filters: new Map([["label", ["a=b"]]]) }],
  ])("asks for %s", async (query, expected) => {
    const asked: ListQuery[] = [];
    const list = async (wanted: ListQuery) => {
      asked.push(wanted);
      return [];
    };
    expect(await call(testApi({ containers: { list } }).api, `GET /containers/json${query}`)).toMatchObject({
      status: 200,
      text: "[]\n",
    });
    expect(asked as unknown[]).toEqual([expected]);
  });

  test("names the image while its name means the same, looking each name up once", async () => {
    const looked: string[] = [];
    const { api } = testApi({
      containers: {
        list: async () => [
          container({ imageName: "a" }),
          container({ imageName: "a" }),
          container({ imageName: "a", imageID: "sha256:old" as ImageID }),
          container({ imageName: "gone" }),
        ],
      },
      images: {
        find: async (name) => {
          looked.push(name);
          return name === "a" ? image({ id: imageID }) : undefined;
        },
      },
    });
    const rows = JSON.parse((await call(api, "GET /containers/json?all=1")).text);
    expect(rows.map((row: { Image: string }) => row.Image)).toEqual(["a", "a", "sha256:old", imageID]);
    expect(looked).toEqual(["a", "gone"]);
  });

  test("measures sizes only when asked", async () => {
    const measured: string[] = [];
    const size = async (reference: string) => {
      measured.push(reference);
      return { rw: 1, rootFs: 2 };
    };
    const { api } = testApi({ containers: { list: async () => [container()], size } });
    await call(api, "GET /containers/json");
    expect(measured).toEqual([]);
    expect((await call(api, "GET /containers/json?size=1")).text).toContain('"SizeRw":1,"SizeRootFs":2');
  });
});

test("GET /containers/{id}/top asks for all columns by default", async () => {
  const asked: string[] = [];
  const top: Containers["top"] = async (_, psArguments) => {
    asked.push(psArguments);
    return { titles: ["PID"], processes: [["1"]] };
  };
  const { api } = testApi({ containers: { top } });
  expect((await call(api, "GET /containers/a/top")).text).toBe('{"Processes":[["1"]],"Titles":["PID"]}\n');
  await call(api, "GET /containers/a/top?ps_args=aux");
  expect(asked).toEqual(["-ef", "aux"]);
});

test.each([
  [[], '{"ContainersDeleted":null,"SpaceReclaimed":0}\n'],
  [[container().id], `{"ContainersDeleted":["${container().id}"],"SpaceReclaimed":0}\n`],
])("POST /containers/prune answers %j", async (deleted, text) => {
  const { api } = testApi({ containers: { prune: async () => ({ deleted, reclaimedBytes: 0 }) } });
  expect(await call(api, "POST /containers/prune")).toMatchObject({ status: 200, text });
});

describe("POST /tug/plan", () => {
  test("takes the body of a create and answers with the plan's text", async () => {
    const asked: CreateRequest[] = [];
    const plan: Containers["plan"] = async (request) => {
      asked.push(request);
      return "before\n";
    };
    const { api } = testApi({ containers: { plan } });
    const answer = await call(api, "POST /tug/plan", { body: { Image: "a" }, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 200, text: "before\n" });
    expect(asked[0]?.config).toEqual({ Image: "a" });
  });
});
