/** Text for terminals: aligned columns, wrapped paragraphs, colours, and key sequences typed by people. */
export { DetachWatcher, parseDetachKeys } from "./detach-keys.ts";
export { enterRawMode } from "./raw-mode.ts";
export { ansi, colorsAllowed, printable } from "./style.ts";
export { alignTabs, type TabLayout, textWidth } from "./tab-table.ts";
export { wrapText } from "./wrap.ts";
