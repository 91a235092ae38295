import { expect, test } from "bun:test";
import { hostnameFile, hostsFile, resolvConfFile } from "./files.ts";

test("hostnameFile() ends its line", () => {
  expect(hostnameFile("abc")).toBe("abc\n");
});

test("hostsFile() lists local names, the user's, and the container's own", () => {
  const text = hostsFile({
    address: "172.17.0.2",
    hostname: "abc",
    domainname: "example.org",
    extraHosts: ["db:10.0.0.5", "six=[fd00::1]", "plain:fd00::2", "host.docker.internal:host-gateway"],
    gateway: "172.17.0.1",
    linked: [{ address: "172.17.0.9", names: ["db", "0123456789ab"] }],
  });
  expect(text).toBe(
    [
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::\tip6-localnet",
      "ff00::\tip6-mcastprefix",
      "ff02::1\tip6-allnodes",
      "ff02::2\tip6-allrouters",
      "10.0.0.5\tdb",
      "fd00::1\tsix",
      "fd00::2\tplain",
      "172.17.0.1\thost.docker.internal",
      "172.17.0.9\tdb 0123456789ab",
      "172.17.0.2\tabc.example.org abc",
      "",
    ].join("\n"),
  );
});

test("hostsFile() has no own line without an address", () => {
  const text = hostsFile({ address: "", hostname: "abc", domainname: "", extraHosts: [], gateway: "", linked: [] });
  expect(text).not.toContain("abc");
});

const none = { dns: [], dnsSearch: [], dnsOptions: [], hostNetwork: false, ipv6: false };

test("resolvConfFile() drops nameservers that a container cannot reach", () => {
  const host =
    "# by hand\nnameserver 127.0.0.53\nnameserver 10.0.0.1 # ours\nnameserver fe80::1%eth0\nnameserver fd00::1\nsearch a.b c.d\noptions ndots:2\noptions edns0\n";
  expect(resolvConfFile({ ...none, host })).toBe("nameserver 10.0.0.1\nsearch a.b c.d\noptions ndots:2 edns0\n");
  expect(resolvConfFile({ ...none, host, ipv6: true })).toContain("nameserver fd00::1\n");
  expect(resolvConfFile({ ...none, host, hostNetwork: true })).toContain("nameserver 127.0.0.53\n");
});

test("resolvConfFile() falls back to public nameservers when none is left", () => {
  expect(resolvConfFile({ ...none, host: "nameserver 127.0.0.1\n" })).toBe("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
});

test("resolvConfFile() prefers what the user says, and a search of `.` is none", () => {
  const own = { ...none, dns: ["1.2.3.4"], dnsSearch: ["."], dnsOptions: ["ndots:5"] };
  expect(resolvConfFile({ ...own, host: "nameserver 10.0.0.1\nsearch a.b\n" })).toBe(
    "nameserver 1.2.3.4\noptions ndots:5\n",
  );
});
