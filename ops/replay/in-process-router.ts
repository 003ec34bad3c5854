import { Router } from "../../lambdas/router/router.ts";
import { writeBatch } from "../../lambdas/router/write-batch.ts";
import type { WeirConfig } from "../../wire/config.ts";
import type { Place } from "../access/place.ts";
import type { ReplayRecord } from "./replay-record.ts";
import type { RouterCall } from "./router-call.ts";

/** One batch of the lake's largest, with time to spare. */
const WRITE_TIMEOUT_MS = 5 * 60_000;

/** A batch is read into memory whole. */
const MAX_BYTES = 32 * 2 ** 20;

/** The router's own code in this process, writing with the credentials of whoever runs it. */
export function inProcessRouter(
  { s3, bucket }: Pick<Place, "s3" | "bucket">,
  config: WeirConfig,
): RouterCall {
  const router = new Router(config);
  return {
    limits: { records: config.router.batchSize, bytes: MAX_BYTES },
    route: async (records) => {
      try {
        const routed = router.route(records.map(streamRecord));
        const written = await writeBatch(
          s3,
          bucket,
          routed,
          new Date(),
          AbortSignal.timeout(WRITE_TIMEOUT_MS),
        );
        if ("retry" in written) return { kind: "answered", from: 0 };
        const next = records.findIndex(({ entry }) => entry.kinesis.sequenceNumber === routed.next);
        return { kind: "answered", from: next < 0 ? records.length : next };
      } catch (error) {
        return { kind: "failed", error: (error as Error).message };
      }
    },
  };
}

function streamRecord({ entry, arrivedAt }: ReplayRecord) {
  const { partitionKey, sequenceNumber, data } = entry.kinesis;
  return {
    shardId: entry.eventID.slice(0, entry.eventID.indexOf(":")),
    sequenceNumber,
    partitionKey,
    arrivedAt,
    data: Buffer.from(data, "base64"),
  };
}
