import * as z from "zod";
import { RECORD_MAX_BYTES } from "../../wire/limits.ts";
import { quantity } from "../../wire/quantity.ts";

const MIB = 2 ** 20;

/** A segment holds at least the largest event, and the spool at least two of them. */
export const spoolConfigSchema = z
  .strictObject({
    max_bytes: quantity("bytes", 4 * MIB, 2 ** 40)
      .default(2 ** 30)
      .meta({ unit: "bytes", description: "disk space for pushed events that are not delivered yet" }),
    min_free_bytes: quantity("bytes", 0, 2 ** 40)
      .default(16 * MIB)
      .meta({
        unit: "bytes",
        description:
          "disk space that is left alone: with less of it free the spool is full, and the checkpoint can still be written",
      }),
    segment_bytes: quantity("bytes", 2 * MIB, 2 ** 30)
      .default(16 * MIB)
      .meta({ unit: "bytes", description: "a file of the spool; it is deleted once all of it is delivered" }),
    max_event_bytes: quantity("bytes", 64, RECORD_MAX_BYTES - 16 * 2 ** 10)
      .default(512 * 2 ** 10)
      .meta({
        unit: "bytes",
        description: "a longer event is cut here; the bytes cut are recorded as a gap",
      }),
    overflow: z
      .enum(["block", "drop-oldest", "drop-newest"])
      .default("block")
      .meta({
        description:
          "when the spool is full, senders wait, or the oldest or the newest events are left out, counted " +
          "and recorded as a gap",
      }),
    sync: z
      .enum(["ack", "deliver"])
      .default("ack")
      .meta({
        description:
          "events are on disk before they are acknowledged, or, faster, only before they are delivered: " +
          "then a power loss, but no crash of the agent, can lose what was acknowledged just before",
      }),
  })
  .refine(({ max_bytes, segment_bytes }) => segment_bytes * 2 <= max_bytes, {
    path: ["segment_bytes"],
    message: "at most half of max_bytes, or the spool could not go on once it was full",
  });

export type SpoolConfig = z.output<typeof spoolConfigSchema>;
