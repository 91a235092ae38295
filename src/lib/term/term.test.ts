import { expect, test } from "bun:test";
import { alignTabs, colorsAllowed, printable, textWidth, wrapText } from "./mod.ts";

const layout = { minWidth: 10, padding: 3 };

test("alignTabs() makes columns as wide as their widest cell", () => {
  expect(alignTabs("A\tB\na much longer one\tb\n", layout)).toBe("A                   B\na much longer one   b\n");
});

test("alignTabs() counts only adjacent lines to a column, and no cell without a tab after it", () => {
  const text = "long long long cell\tx\nno cells here at all\nshort\ty\n";
  expect(alignTabs(text, layout)).toBe("long long long cell   x\nno cells here at all\nshort     y\n");
});

test("alignTabs() counts characters, not bytes or halves of pairs", () => {
  expect(alignTabs("🎉…ü\tx\n", layout)).toBe("🎉…ü       x\n");
  expect(textWidth("🎉…ü")).toBe(3);
});

test("wrapText() breaks at blanks, indents, and keeps a short last word on its line", () => {
  const text = "one two three four five six seven eight nine ten";
  expect(wrapText(text, { indent: 4, width: 34 })).toBe("one two three four five\n    six seven eight nine ten");
  expect(wrapText("short", { indent: 4, width: 34 })).toBe("short");
});

test("wrapText() moves the text to its own line where there is no room beside it", () => {
  expect(wrapText("a description of several words", { indent: 40, width: 60 })).toStartWith(`\n${" ".repeat(16)}a `);
  expect(wrapText("a\nb", { indent: 10, width: 12 })).toBe(`a\n${" ".repeat(16)}b`);
});

test("printable() disarms what would drive the terminal", () => {
  expect(printable("a\x1b[2Jb\x07\tc\n")).toBe("a\ufffd[2Jb\ufffd\tc\n");
});

test("colorsAllowed() heeds NO_COLOR", () => {
  expect(colorsAllowed({ terminal: true, noColor: undefined })).toBe(true);
  expect(colorsAllowed({ terminal: true, noColor: "1" })).toBe(false);
  expect(colorsAllowed({ terminal: false, noColor: undefined })).toBe(false);
});
