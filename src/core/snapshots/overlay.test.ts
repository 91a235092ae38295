import { snapshotterSuite } from "./conformance.ts";
import { createOverlaySnapshotter } from "./overlay.ts";

snapshotterSuite("overlay", createOverlaySnapshotter);
