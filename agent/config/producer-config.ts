import * as z from "zod";
import { RECORD_MAX_BYTES } from "../../wire/limits.ts";
import { quantity } from "../../wire/quantity.ts";

/** Set aside in a record for key tables, digest, outer partition key, and host and path of one source. */
export const RECORD_OVERHEAD_BYTES = 16 * 2 ** 10;
/** What a record of a stream with the usual limit has room for. */
export const PAYLOAD_MAX_BYTES = RECORD_MAX_BYTES - RECORD_OVERHEAD_BYTES;
/**
 * Ten of the 25 KB that a put is charged in. Four of these, as many as are hashed together, stay in the
 * processor's cache, and the buffers of those on their way stay small.
 */
const AGGREGATE_BYTES = 256_000;
/** Lines that are sealed together where more come than a linger lets wait: a request costs as much as a third of a megabyte in it. */
export const GATHER_BYTES = 3_000_000;
/** Lambda is handed 4.5 MB at once, and readers take no more than AGGREGATE_MAX_PARTS empty lines. */
const AGGREGATE_MAX_BYTES = 3 * 2 ** 20 - RECORD_OVERHEAD_BYTES;

export const producerConfigSchema = z.strictObject({
  aggregate_bytes: quantity("bytes", 1_024, AGGREGATE_MAX_BYTES)
    .default(AGGREGATE_BYTES)
    .meta({
      unit: "bytes",
      description:
        `an aggregate is closed at this size, before compression. More than ${PAYLOAD_MAX_BYTES} needs a stream ` +
        "whose maximum record size was raised",
    }),
  linger_ms: quantity("ms", 0, 60_000)
    .default(1_000)
    .meta({ unit: "ms", description: "longest wait of a line for others to be sent with" }),
  max_in_flight: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .meta({ description: "PutRecords requests at a time, at most; fewer while requests fail" }),
  request_timeout_ms: quantity("ms", 100, 600_000).default(30_000).meta({
    unit: "ms",
    description: "a request that is not answered by then is sent again, and its lines may arrive twice",
  }),
  max_buffered_bytes: quantity("bytes", 2 ** 20, 2 ** 30)
    .default(GATHER_BYTES)
    .meta({
      unit: "bytes",
      description:
        "sent but not yet acknowledged; beyond it reading pauses. As much, and no more than " +
        `${GATHER_BYTES}, is gathered for one request before that`,
    }),
  rate_limit_percent: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .meta({
      unit: "%",
      description:
        "of what the service lets a shard take (1 MiB and 1,000 records a second) that this agent sends at " +
        "most. It takes less by itself where others write to the stream, too",
    }),
  ordering: z
    .enum(["none", "source"])
    .default("none")
    .meta({
      description:
        "`source` keeps each file's lines on one shard and in order: an aggregate holds one file only, one of " +
        "them is in flight, and no file is sent faster than a shard takes",
    }),
  compression: z
    .enum(["none", "zstd"])
    .default("none")
    .meta({ description: "zstd sends a fifth of the bytes, but only readers that unpack it can read them" }),
  wire: z
    .enum(["json", "cbor"])
    .default("json")
    .meta({
      description:
        "how PutRecords requests are written. `cbor` sends aggregates as they are, a quarter less than JSON, which " +
        "holds them in base64. The SDK for Java sends it; it is not in what Amazon documents",
    }),
});
