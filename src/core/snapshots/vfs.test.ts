import { snapshotterSuite } from "./conformance.ts";
import { createVfsSnapshotter } from "./vfs.ts";

snapshotterSuite("vfs", createVfsSnapshotter);
