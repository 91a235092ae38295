import { describe, expect, test } from "bun:test";
import { nextPage } from "./link.ts";

const CURRENT = new URL("https://registry.test/v2/a/tags/list?n=2");

describe("nextPage()", () => {
  test.each<[string | null, string | undefined]>([
    ['</v2/a/tags/list?last=b&n=2>; rel="next"', "https://registry.test/v2/a/tags/list?last=b&n=2"],
    ["</v2/a/tags/list?last=b>; rel=next", "https://registry.test/v2/a/tags/list?last=b"],
    ['<?last=b>; rel="next"', "https://registry.test/v2/a/tags/list?last=b"],
    ['<https://registry.test/x>; title="t"; rel="last next"', "https://registry.test/x"],
    // A proxy ends TLS in front of it.
    ['<http://registry.test/x>; rel="next"', "https://registry.test/x"],
    ['</first>; rel="first", </second>; rel="next"', "https://registry.test/second"],
    ['<https://elsewhere.test/x>; rel="next"', undefined],
    ['<https://registry.test:444/x>; rel="next"', undefined],
    ['<//elsewhere.test/x>; rel="next"', undefined],
    ['<http://[>; rel="next"', undefined],
    ['</x>; rel="prev"', undefined],
    ['</x>; rel="nextish"', undefined],
    ["</x>", undefined],
    ["", undefined],
    [null, undefined],
    [`</${"x".repeat(20_000)}>; rel="next"`, undefined],
  ])("%p", (header, expected) => {
    expect(nextPage(header, CURRENT)?.href).toBe(expected as string);
  });
});
