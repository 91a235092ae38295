/** What mount(2) and mount_setattr(2) take: flags, attributes, and the words that people write for them. */
export { MOUNT_ATTR, MS } from "./flags.ts";
export { type MountOptions, parseMountOptions, propagationFlags } from "./options.ts";
