import { expect, test } from "bun:test";
import type { DiffID } from "#core/snapshots";
import { buildSteps, instructionOf } from "./instructions.ts";

test.each([
  ["/bin/sh -c #(nop) ADD file:1234 in / ", "ADD file:1234 in /"],
  ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'],
  ["/bin/sh -c apt-get update && apt-get install x", "RUN apt-get update && apt-get install x"],
  ["|2 A=1 B=two words /bin/sh -c make", "RUN make"],
  ["RUN |1 A=1 /bin/sh -c make # buildkit", "RUN make"],
  ["RUN /bin/bash -c set -e\nmake # buildkit", "RUN set -e\nmake"],
  ["COPY --chown=a:b . /app # buildkit", "COPY --chown=a:b . /app"],
  ["EXPOSE map[80/tcp:{} 443/tcp:{}]", "EXPOSE 80/tcp 443/tcp"],
  ["EXPOSE [80/tcp]", "EXPOSE 80/tcp"],
  ["Imported from -", "Imported from -"],
  ["", ""],
])("instructionOf(%j) is %j", (createdBy, instruction) => {
  expect(instructionOf(createdBy)).toBe(instruction);
});

test("buildSteps() copes with a history that has too few steps, or too many", () => {
  const rootfs = (layers: number) => ({
    type: "layers" as const,
    diff_ids: Array.from({ length: layers }, () => "" as DiffID),
  });
  const history = [{ created_by: "A" }, { created_by: "B", empty_layer: true }, { created_by: "C" }];
  const layers = (count: number) =>
    buildSteps({ history, rootfs: rootfs(count) }).map((step) => [step.instruction, step.layer]);
  expect(layers(2)).toEqual([
    ["A", 0],
    ["B", undefined],
    ["C", 1],
  ]);
  expect(layers(1).at(-1)).toEqual(["C", undefined]);
  expect(layers(3).at(-1)).toEqual(["", 2]);
  expect(buildSteps({ rootfs: rootfs(0) })).toEqual([]);
});
