import * as z from "zod";

/**
 * One line of a quarantine object: a Kinesis record that could not be opened, as it came, with all that
 * Kinesis said of it, so that it can be routed again. Its shard is in the object's key. Fields that
 * a later version adds are dropped.
 */
export const quarantinedRecordSchema = z.object({
  /** A WireErrorCode. New ones may come, so readers do not check it. */
  reason: z.string(),
  /** For people: what was found. */
  detail: z.string(),
  /** Where it is not in the object's key: in those that a reparse wrote. */
  shardId: z.string().optional(),
  sequenceNumber: z.string().regex(/^\d+$/),
  partitionKey: z.string(),
  arrivedAt: z.iso.datetime(),
  /** The record's bytes in base64. */
  data: z.base64(),
});
export type QuarantinedRecord = z.output<typeof quarantinedRecordSchema>;
