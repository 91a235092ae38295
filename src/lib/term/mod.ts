/** Text for terminals: aligned columns, wrapped paragraphs, colours, raw mode. */
export { enterRawMode, hideTyping } from "./raw-mode.ts";
export { ansi, colorsAllowed, printable } from "./style.ts";
export { alignTabs, type TabLayout, textWidth } from "./tab-table.ts";
export { wrapText } from "./wrap.ts";
