/** Whatever a registry says, the parsers answer or refuse: in good time, by an `EngineError`. A failure names its seed. */
import { describe, expect, test } from "bun:test";
import { EngineError } from "#lib/errors";
import { seeded } from "./_testing.ts";
import { parseChallenges } from "./challenge.ts";
import { nextPage } from "./link.ts";
import { mediaTypeOf } from "./manifest-document.ts";
import { parseContentRange, parseUploadRange } from "./ranges.ts";
import { refusalError } from "./refusal.ts";
import { retryAfterMs } from "./retry-after.ts";

const SEED = Number(process.env.TUG_TEST_SEED ?? 20_260_101);
const ROUNDS = 3000;
const BASE = new URL("https://registry.test/v2/a/tags/list");

/** Pieces of what each of them expects, and of what none does. */
const PIECES = [
  "Bearer",
  "Basic",
  'realm="',
  '"',
  "https://auth.test/",
  "service=",
  ",",
  " ",
  "=",
  "\\",
  "scope",
  "<",
  ">",
  ";",
  'rel="next"',
  "bytes ",
  "bytes=",
  "0-",
  "-",
  "/",
  "*",
  "99",
  "18446744073709551616",
  "?last=",
  "//",
  "..",
  "%2f",
  "{",
  "}",
  "[",
  "]",
  ":",
  '"errors":',
  '"code":"DENIED"',
  '"mediaType"',
  '"config"',
  '"manifests"',
  "null",
  "true",
  "1e999",
  "\u0000",
  "\ud800",
  "é",
  "\r\n",
  "\t",
];

function noise(random: () => number): string {
  const length = Math.floor(random() * 40);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join("");
}

function survives(name: string, parse: (text: string, random: () => number) => unknown): void {
  test(`${name} (seed ${SEED})`, () => {
    const random = seeded(SEED);
    for (let round = 0; round < ROUNDS; round += 1) {
      const text = noise(random);
      try {
        parse(text, random);
      } catch (error) {
        if (!(error instanceof EngineError))
          throw new Error(`round ${round}: ${JSON.stringify(text)}`, { cause: error });
      }
    }
  });
}

describe("survive noise:", () => {
  survives("parseChallenges()", (text) => {
    for (const { scheme } of parseChallenges(text)) expect(scheme).not.toBe("");
  });
  survives("nextPage()", (text) => {
    const url = nextPage(text, BASE);
    if (url) expect(url.origin).toBe(BASE.origin);
  });
  survives("parseContentRange()", (text) => {
    const range = parseContentRange(text);
    if (range) expect(range.end).toBeGreaterThanOrEqual(range.start);
  });
  survives("parseUploadRange()", (text) => expect(parseUploadRange(text) ?? 0).toBeGreaterThanOrEqual(0));
  survives("retryAfterMs()", (text) => expect(retryAfterMs(text, 0) ?? 0).toBeGreaterThanOrEqual(0));
  survives("mediaTypeOf()", (text, random) => {
    const bytes = new TextEncoder().encode(text);
    const contentType = random() < 0.5 ? noise(random) : "application/json";
    expect(mediaTypeOf(bytes, contentType)).not.toBe("");
  });
  survives("refusalError()", (text, random) => {
    const headers = new Headers({ "content-type": random() < 0.5 ? "application/json" : "text/plain" });
    const error = refusalError({
      status: 400 + Math.floor(random() * 200),
      statusText: text,
      headers,
      body: text,
      nowMs: 0,
    });
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

test("long lines of what looks right take no time", () => {
  const started = performance.now();
  for (const piece of ['a="', "a ", "<a", '<a>;rel="', "\\", ",", "=", '";', "0-"]) {
    const text = piece.repeat(200_000);
    parseChallenges(text.slice(0, 16_000));
    nextPage(text.slice(0, 16_000), BASE);
    parseContentRange(text);
    parseUploadRange(text);
    retryAfterMs(text, 0);
  }
  expect(performance.now() - started).toBeLessThan(2000);
});
