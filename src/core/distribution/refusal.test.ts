import { describe, expect, test } from "bun:test";
import type { ErrorKind } from "#lib/errors";
import { refusalError } from "./refusal.ts";

const JSON_TYPE = "application/json; charset=utf-8";

function refuse(status: number, body: string, headers: Record<string, string> = { "content-type": JSON_TYPE }) {
  return refusalError({ status, statusText: "Words", headers: new Headers(headers), body, nowMs: 0 });
}

const errors = (...list: object[]) => JSON.stringify({ errors: list });

describe("refusalError()", () => {
  test.each<[number, string, ErrorKind, string]>([
    [
      404,
      errors({ code: "MANIFEST_UNKNOWN", message: "manifest unknown", detail: {} }),
      "not-found",
      "manifest unknown: manifest unknown",
    ],
    [401, errors({ code: "UNAUTHORIZED", message: "who?" }), "unauthorized", "unauthorized: who?"],
    [401, errors({ code: "DENIED", message: "no" }), "forbidden", "denied: no"],
    [403, errors({ code: "DENIED" }), "forbidden", "denied"],
    [429, errors({ code: "TOOMANYREQUESTS", message: "slow down" }), "unavailable", "toomanyrequests: slow down"],
    [400, errors({ code: "NAME_INVALID", message: "x" }), "invalid-parameter", "name invalid: x"],
    [
      400,
      errors({ code: "A", message: "1" }, { code: "B", message: "2" }),
      "invalid-parameter",
      "errors:\na: 1\nb: 2\n",
    ],
    [
      401,
      '{"details":"incorrect username or password"}',
      "unauthorized",
      "unauthorized: incorrect username or password",
    ],
    [
      404,
      "{}",
      "not-found",
      'error parsing HTTP 404 response body: no error details found in HTTP response body: "{}"',
    ],
    [
      404,
      errors(null as unknown as object, { code: 5 }),
      "not-found",
      `error parsing HTTP 404 response body: no error details found in HTTP response body: "{\\"errors\\":[null,{\\"code\\":5}]}"`,
    ],
    [
      404,
      "null",
      "not-found",
      'error parsing HTTP 404 response body: no error details found in HTTP response body: "null"',
    ],
    [401, "", "unauthorized", "unauthorized: authentication required"],
    [404, "", "not-found", "unknown: HTTP status 404"],
    [500, errors({ code: "UNKNOWN", message: "x" }), "unavailable", "received unexpected HTTP status: 500 Words"],
  ])("%d %s", (status, body, kind, message) => {
    const error = refuse(status, body);
    expect(error.message).toBe(message);
    expect(error.kind).toBe(kind);
  });

  test("takes a body that is no JSON as it is", () => {
    expect(refuse(403, "<html>no", { "content-type": "text/html" }).message).toBe("denied: <html>no");
    expect(refuse(404, "not here", {}).message).toBe("unknown: not here");
    expect(refuse(404, "{nope").message).toStartWith("error parsing HTTP 404 response body: ");
  });

  test("believes the challenge before the body", () => {
    const challenge = { "content-type": JSON_TYPE, "www-authenticate": 'Bearer realm="x",error="insufficient_scope"' };
    const error = refuse(401, errors({ code: "UNAUTHORIZED", message: "x" }), challenge);
    expect(error.message).toBe("denied: requested access to the resource is denied");
    expect(error.data.code).toBe("DENIED");
    const invalid = { "www-authenticate": 'Bearer error="invalid_token",error_description="too old"' };
    expect(refuse(401, "", invalid).message).toBe("unauthorized: too old");
  });

  test("says what may be tried again, and when", () => {
    const later = refuse(503, "", { "retry-after": "7" });
    expect(later.data).toMatchObject({ temporary: true, retryAfterMs: 7000 });
    expect(refuse(429, "").data.temporary).toBe(true);
    expect(refuse(404, "", { "retry-after": "7" }).data.temporary).toBeUndefined();
  });

  test("lets no control characters through, and no novels", () => {
    const error = refuse(404, errors({ code: "X", message: `\u001b[2Jred\u0007${"y".repeat(5000)}` }));
    expect(error.message).toStartWith("x:  [2Jred yyy");
    expect(error.message.length).toBeLessThan(1100);
  });
});
