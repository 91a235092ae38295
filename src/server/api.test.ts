import { describe, expect, test } from "bun:test";
import { EngineError, type ErrorKind } from "#lib/errors";
import { call, testApi } from "./_testing.ts";

const { api } = testApi();

describe("createApi()", () => {
  test("marks every answer with its versions", async () => {
    for (const line of ["GET /_ping", "GET /nope", "GET /v1.23/info", "OPTIONS /any"]) {
      expect((await call(api, line)).headers).toMatchObject({
        "Api-Version": "1.51",
        "Docker-Experimental": "false",
        Ostype: "linux",
        Server: "Docker/0.1.0 (linux)",
      });
    }
  });

  // Request, status and body as a Docker 28.5 answers.
  test.each([
    ["GET /v1.52/info", 400, '{"message":"client version 1.52 is too new. Maximum supported API version is 1.51"}\n'],
    ["GET /v2.0/_ping", 400, '{"message":"client version 2.0 is too new. Maximum supported API version is 1.51"}\n'],
    [
      "GET /v1.23/info",
      400,
      "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n",
    ],
    [
      "GET /v1/info",
      400,
      "client version 1 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n",
    ],
    ["GET /nope", 404, '{"message":"page not found"}\n'],
    ["PUT /info", 404, '{"message":"page not found"}\n'],
    ["GET /v1.51", 404, '{"message":"page not found"}\n'],
    ["GET /_ping/", 404, '{"message":"page not found"}\n'],
    ["HEAD /version", 404, '{"message":"page not found"}\n'],
    ["OPTIONS /nope", 200, ""],
    ["GET /_ping", 200, "OK"],
    ["GET /v1.24/_ping", 200, "OK"],
    ["HEAD /_ping", 200, ""],
    ["GET /containers/json?a=%zz", 400, '{"message":"invalid URL escape \\"%zz\\""}\n'],
    ["GET /containers/json?limit=x", 500, '{"message":"strconv.Atoi: parsing \\"x\\": invalid syntax"}\n'],
    ["GET /containers/json?filters=nope", 400, '{"message":"invalid filter"}\n'],
  ])("answers %s", async (line, status, text) => {
    expect(await call(api, line)).toMatchObject({ status, text });
  });

  test.each([
    ["GET //info", "/info"],
    ["GET /v1.51//containers//json", "/v1.51/containers/json"],
    ["GET /containers/x/../json", "/containers/json"],
  ])("sends %s to the clean path", async (line, location) => {
    const { status, headers } = await call(api, line);
    expect({ status, location: headers.Location }).toEqual({ status: 301, location });
  });

  test.each(["GET /images/%zz/json", "GET /containers/a%00b/json"])("refuses the path of %s", async (line) => {
    expect((await call(api, line)).status).toBe(400);
  });

  test.each<[ErrorKind, number]>([
    ["not-found", 404],
    ["invalid-parameter", 400],
    ["already-exists", 409],
    ["conflict", 409],
    ["failed-precondition", 400],
    ["unauthorized", 401],
    ["forbidden", 403],
    ["unavailable", 503],
    ["not-implemented", 501],
    ["canceled", 500],
    ["deadline-exceeded", 500],
    ["internal", 500],
  ])("answers an error of kind %s with %i", async (kind, status) => {
    const failing = testApi({ containers: { start: () => Promise.reject(new EngineError(kind, "because <&>")) } });
    const answer = await call(failing.api, "POST /containers/x/start");
    expect(answer).toMatchObject({ status, text: '{"message":"because <&>"}\n' });
    expect(failing.logged).toEqual([]);
  });

  test("answers not-modified without a body", async () => {
    const failing = testApi({ containers: { start: () => Promise.reject(new EngineError("not-modified", "runs")) } });
    expect(await call(failing.api, "POST /containers/x/start")).toMatchObject({ status: 304, text: "" });
  });

  test("logs the stack of what is no error of the world, and shows none of it", async () => {
    const failing = testApi({ containers: { start: () => Promise.reject(new TypeError("x is undefined")) } });
    const answer = await call(failing.api, "POST /containers/x/start");
    expect(answer).toMatchObject({ status: 500, text: '{"message":"x is undefined"}\n' });
    expect(failing.logged.join("")).toContain("api.test.ts");
  });

  test("takes parameters from a form, too, before those of the query", async () => {
    const killed: string[] = [];
    const { api } = testApi({ containers: { kill: async (_, signal) => void killed.push(signal) } });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    await call(api, "POST /containers/x/kill?signal=TERM", { headers, body: "signal=HUP" });
    expect(killed).toEqual(["HUP"]);
  });

  test.each([
    ["GET /images/registry.test:5000/a/b:tag/json", "registry.test:5000/a/b:tag"],
    ["GET /images/a%2Fb/json", "a/b"],
    ["GET /v1.40/images/json/json", "json"],
  ])("takes slashes in the name of %s", async (line, name) => {
    const asked: string[] = [];
    const { api } = testApi({
      images: {
        get: async (reference) => {
          asked.push(reference);
          throw new EngineError("not-found", "no");
        },
      },
    });
    await call(api, line);
    expect(asked).toEqual([name]);
  });
});
