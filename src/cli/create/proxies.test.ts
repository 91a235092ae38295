import { expect, test } from "bun:test";
import { proxyEnvironment } from "./proxies.ts";

const config = {
  proxies: {
    default: { httpProxy: "http://p:1", noProxy: "localhost", httpsProxy: "" },
    "unix:///own.sock": { allProxy: "socks://s" },
  },
};

test("proxyEnvironment() names the proxies in both cases, and leaves what the user set", () => {
  expect(proxyEnvironment(config, "unix:///other.sock", ["HTTP_PROXY=mine", "no_proxy"])).toEqual([
    "http_proxy=http://p:1",
    "NO_PROXY=localhost",
  ]);
});

test("proxyEnvironment() takes those of the very engine before the default ones", () => {
  expect(proxyEnvironment(config, "unix:///own.sock", [])).toEqual(["ALL_PROXY=socks://s", "all_proxy=socks://s"]);
  expect(proxyEnvironment({}, "unix:///own.sock", [])).toEqual([]);
});
