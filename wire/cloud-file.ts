import * as z from "zod";

/** Name of the file in the folder of a laptop cloud, there while it runs. */
export const CLOUD_FILE = "cloud.json";

/** Where a cloud that runs is, and what its parts are called: what the outputs of a stack say of a deployed one. */
export const cloudFileSchema = z.object({
  version: z.literal(1),
  /** Of this run: the Invoke endpoint answers with it, lest a port that somebody else has by now be taken for its own. */
  id: z.string(),
  pid: z.int(),
  region: z.string(),
  endpoints: z.object({ s3: z.url(), kinesis: z.url(), lambda: z.url() }),
  buckets: z.object({ lake: z.string(), failures: z.string() }),
  stream: z.string(),
  /** Of the stream to the router. Absent in files of earlier releases. */
  mapping: z.string().optional(),
  functions: z.object({
    router: z.string(),
    sequencer: z.string(),
    /** Absent where rows stay in the lake. */
    loader: z.string().optional(),
    /** Those of other warehouses than the main one, by its name. */
    loaders: z.record(z.string(), z.string()).optional(),
  }),
});

export type CloudFile = z.output<typeof cloudFileSchema>;
