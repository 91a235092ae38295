import { compressLayerJob } from "./compress/compress-job.ts";
import { storeLayerJob } from "./ingest/layer-job.ts";

/** What images have done by worker threads. */
export const IMAGE_JOBS = [storeLayerJob, compressLayerJob];
