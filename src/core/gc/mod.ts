/** Collects what nothing refers to any more: blobs, and filesystems made of layers. */
export { Collector, type CollectorOptions } from "./collector.ts";
