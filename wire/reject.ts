import * as z from "zod";

/** Why a line has no row. The list is closed so that it can be counted, alarmed on and documented. */
export const REJECT_REASONS = [
  "unrouted", //       no log type takes its tag
  "unparsed", //       not in its type's format
  "missing", //        a column that must not be null has no value
  "type", //           a value is not of its column's type
  "range", //          a number is outside its column's range
  "length", //         a text has more bytes than its column
  "time", //           event time is absent or unreadable
  "too-large", //      the row is over COPY's 4 MB, or the line over a record's 10 MiB
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/**
 * One line of a rejected object: enough to fix the configuration and to replay the line. Fields that a later version
 * adds are dropped.
 */
export const rejectedLineSchema = z.object({
  reason: z.enum(REJECT_REASONS),
  /** The column or field at fault, where there is one. */
  field: z.string().optional(),
  /** For people: what was found. Cut to 200 characters. */
  detail: z.string(),
  type: z.string(),
  tag: z.string(),
  /** Of another producer's record, where a field of it has named the tag. */
  partitionKey: z.string().optional(),
  _src: z.string(),
  _off: z.int(),
  /** CRC-32 of the line's bytes; absent in lakes of version 1. */
  _crc: z.uint32().optional(),
  _host: z.string().nullable(),
  _arrived_at: z.string(),
  /** Of its file or spool. Absent for other producers' records, and where an earlier release wrote the line. */
  _path: z.string().optional(),
  /** Labels of its host. Absent where there are none. */
  _labels: z.record(z.string(), z.string()).optional(),
  /** The type that the line was copied from: its tag leads there. */
  copyOf: z.string().optional(),
  /** Types that have a copy of the line already. */
  copied: z.array(z.string()).optional(),
  /** The line's bytes, as they came. */
  encoding: z.enum(["utf8", "base64"]),
  data: z.string(),
});
export type RejectedLine = z.output<typeof rejectedLineSchema>;
