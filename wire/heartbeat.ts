import * as z from "zod";
import { GAP_REASONS } from "./provenance.ts";

/**
 * What an agent says of itself once a minute and when a source ends, as a user record of the tag
 * `_weir.agent`. Heartbeats are a source of their own (path `weir:heartbeat`), so their rows have an
 * identity like any other.
 */
export const HEARTBEAT_PATH = "weir:heartbeat";

/**
 * Namespace of the metrics that agents may put into CloudWatch: their policy allows this one. It is not that
 * of the functions, whose alarms an agent could otherwise silence.
 */
export const CLOUDWATCH_NAMESPACE = "Weir/Agents";

const offset = z.int().min(0);

const gap = z.object({
  from: offset,
  reason: z.enum(GAP_REASONS),
  lines: offset,
  /** Of reason earlier-identity: the source that these bytes were delivered as. */
  source: z.string().optional(),
});

/** Readers drop fields that they do not know, so a later agent may say more. */
export const heartbeatSchema = z.object({
  at: z.iso.datetime(),
  host: z.string(),
  agent: z.object({
    version: z.string(),
    node: z.string(),
    pid: z.int(),
    startedAt: z.iso.datetime(),
    /** This is the last one of a process that was asked to end: what it followed waits for the next one. */
    stopping: z.boolean().optional(),
  }),
  sources: z.array(
    z.object({
      id: z.string(),
      path: z.string(),
      tag: z.string(),
      /** Bytes the file holds, was read to, and was acknowledged to by Kinesis. */
      size: offset,
      read: offset,
      delivered: offset,
      endReachedAt: z.iso.datetime().nullable(),
      state: z.enum(["active", "rotated", "ended", "error"]),
      /** Known once the source has ended. */
      finalSize: offset.nullable(),
      error: z.string().optional(),
      /** Bytes from here to `read` that were left out on purpose, while no record after them says so. */
      gap: gap.extend({ before: gap.optional() }).optional(),
    }),
  ),
});
export type Heartbeat = z.output<typeof heartbeatSchema>;
