import { describe, expect, test } from "bun:test";
import { applyChanges } from "./apply.ts";

// Both tables are what dockerd 28.5 answered to `docker import --change`.

describe("applyChanges()", () => {
  test.each<[string, object]>([
    ["CMD", { Cmd: ["/bin/sh", "-c"] }],
    ['CMD a "b c" $X', { Cmd: ["/bin/sh", "-c", 'a "b c" $X'] }],
    ['CMD ["a"', { Cmd: ["/bin/sh", "-c", '["a"'] }],
    ["CMD []", {}],
    ["cmd lower", { Cmd: ["/bin/sh", "-c", "lower"] }],
    ["CMD a\nUSER b", { Cmd: ["/bin/sh", "-c", "a"], User: "b" }],
    ["ENTRYPOINT", {}],
    ["ENTRYPOINT []", {}],
    ['ENTRYPOINT ["a","b"]', { Entrypoint: ["a", "b"] }],
    ["ENV x y z", { Env: ["x=y z"] }],
    ['ENV A=$PATH B="x y" C=a\\ b', { Env: ["A=", "B=x y", "C=a b"] }],
    ["ENV A=1\nENV B=\x24{A}2 A=3", { Env: ["B=12", "A=3"] }],
    ['ENV A=\x24{B:-d} C=\x24{B:+e} D=\'$A\' E="$F\\""', { Env: ["A=d", "C=", "D=$A", 'E="'] }],
    ["ENV A=1 \\\n  B=2", { Env: ["A=1", "B=2"] }],
    ["LABEL x y", { Labels: { x: "y" } }],
    ['LABEL x=y z="a b"', { Labels: { x: "y", z: "a b" } }],
    ["EXPOSE 80 53/udp", { ExposedPorts: { "80/tcp": {}, "53/udp": {} } }],
    ["EXPOSE $P 80", { ExposedPorts: { "80/tcp": {} } }],
    ["EXPOSE 8000-8002/UDP", { ExposedPorts: { "8000/udp": {}, "8001/udp": {}, "8002/udp": {} } }],
    ["ONBUILD RUN x", { OnBuild: ["RUN x"] }],
    ["STOPSIGNAL 9", { StopSignal: "9" }],
    ["STOPSIGNAL SIGTERM", { StopSignal: "SIGTERM" }],
    ["STOPSIGNAL rtmin+3", { StopSignal: "rtmin+3" }],
    ["USER a b", { User: "a b" }],
    ["VOLUME /a /b", { Volumes: { "/a": {}, "/b": {} } }],
    ['VOLUME ["/x","/y"]', { Volumes: { "/x": {}, "/y": {} } }],
    ["WORKDIR rel", { WorkingDir: "/rel" }],
    ["WORKDIR /a/../b\nWORKDIR c", { WorkingDir: "/b/c" }],
    ["HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
    ["HEALTHCHECK --retries=0 CMD x", { Healthcheck: { Test: ["CMD-SHELL", "x"] } }],
    [
      'HEALTHCHECK --interval=1s --timeout=2s --start-period=3s --start-interval=4s --retries=5 CMD ["a","b"]',
      {
        Healthcheck: {
          Test: ["CMD", "a", "b"],
          Interval: 1e9,
          Timeout: 2e9,
          StartPeriod: 3e9,
          StartInterval: 4e9,
          Retries: 5,
        },
      },
    ],
  ])("%s", (change, config) => {
    expect(applyChanges([change])).toEqual(config);
  });

  test.each([
    ["RUN x", "RUN is not a valid change command"],
    ["FOO x", "FOO is not a valid change command"],
    ["FROM x", "FROM is not a valid change command"],
    ['SHELL ["a"]', "SHELL is not a valid change command"],
    ["EXPOSE abc", "Invalid containerPort: abc"],
    ["EXPOSE 1-3/tcp 99999", "Invalid containerPort: 99999"],
    ["EXPOSE", "EXPOSE requires at least one argument"],
    ["ENV", "ENV requires at least one argument"],
    ["ENV a", "ENV must have two arguments"],
    ["LABEL", "LABEL requires at least one argument"],
    ["ONBUILD", "ONBUILD requires at least one argument"],
    ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
    ["ONBUILD MAINTAINER x", "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ["ONBUILD ONBUILD x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ["STOPSIGNAL", "STOPSIGNAL requires exactly one argument"],
    ["STOPSIGNAL foo", "invalid signal: foo"],
    ["STOPSIGNAL SIGFOO", "invalid signal: SIGFOO"],
    ["STOPSIGNAL 0", "invalid signal: 0"],
    ["USER", "USER requires exactly one argument"],
    ["WORKDIR", "WORKDIR requires exactly one argument"],
    ["VOLUME", "VOLUME requires at least one argument"],
    ['VOLUME ""', "VOLUME specified can not be an empty string"],
    ["HEALTHCHECK", "HEALTHCHECK requires at least one argument"],
    ["HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"],
    ["HEALTHCHECK RUN x", 'Unknown type "RUN" in HEALTHCHECK (try CMD)'],
    ["HEALTHCHECK --foo=1 CMD x", "unknown flag: --foo"],
    ["HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'],
    ["HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"],
    ["# comment", "file with no instructions"],
    ["", "file with no instructions"],
    ["ENV A='x", "unexpected end of statement while looking for matching single-quoted string"],
  ])("refuses %s", (change, message) => {
    expect(() => applyChanges([change])).toThrow(new Error(message));
  });

  test("without changes there is nothing", () => {
    expect(applyChanges([])).toEqual({});
  });
});
