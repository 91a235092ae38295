import { snapshotterSuite } from "./conformance.ts";
import { createErofsSnapshotter } from "./erofs.ts";

snapshotterSuite("erofs", createErofsSnapshotter);
