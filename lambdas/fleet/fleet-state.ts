import * as z from "zod";
import { cursorSchema } from "../commit-log/cursor.ts";
import { troubleSchema } from "./trouble.ts";

/** Times by AWS's clocks, in milliseconds of the epoch. */
const instant = z.int();
const count = z.int().min(0);

const fileSchema = z.strictObject({
  id: z.string(),
  path: z.string(),
  size: count,
  delivered: count,
  /** Since when nothing was delivered though bytes waited. */
  since: instant,
  /** When a heartbeat last named it. */
  seenAt: instant,
  /** How long before that heartbeat the agent had last been at its end, by the host's clock; null: never. */
  lagMs: z.int().nullable(),
  /** All that can be sent is delivered: it is kept for what was told of it. */
  isWell: z.boolean(),
  error: z.strictObject({ text: z.string(), since: instant }).optional(),
  stuck: troubleSchema.optional(),
  unreadable: troubleSchema.optional(),
});

const hostSchema = z.strictObject({
  host: z.string(),
  version: z.string(),
  /** When its last heartbeat arrived. */
  seenAt: instant,
  /** That one said that its agent was asked to end. */
  isStopped: z.boolean(),
  files: z.array(fileSchema),
  /** What the last heartbeat says, `at` by the host's clock: files that wait and are not among those above. */
  more: z.strictObject({ at: z.string(), files: count, bytes: count }),
  silent: troubleSchema.optional(),
  stalled: troubleSchema.optional(),
});

export const fleetStateSchema = z.strictObject({
  version: z.literal(1),
  cursor: cursorSchema,
  /** When this was saved. */
  savedAt: instant,
  /** The last arrival of a heartbeat; null: none yet. */
  heardAt: instant.nullable(),
  hosts: z.array(hostSchema),
  /** No heartbeat of any host arrives. */
  silent: troubleSchema.optional(),
  /** There are more hosts than are followed. */
  crowded: troubleSchema.optional(),
});

export type FleetState = z.output<typeof fleetStateSchema>;
export type FleetHost = z.output<typeof hostSchema>;
export type FleetFile = z.output<typeof fileSchema>;

/** Where the watch keeps what it remembers. */
export const STATE_KEY = "fleet/state.json";

/**
 * What is followed at most, so that the state is some megabytes, whoever sends what. Hosts beyond are counted and
 * told; files beyond are in the sums of their host, and have their turn when one of those before them has caught up.
 */
export interface FleetLimits {
  readonly hosts: number;
  readonly files: number;
  readonly filesPerHost: number;
}

export const FLEET_LIMITS: FleetLimits = { hosts: 10_000, files: 20_000, filesPerHost: 100 };

export interface FleetSettings {
  /** Longest silence of a host. */
  readonly silentMs: number;
  /** Longest wait of a file without progress. */
  readonly stuckMs: number;
  /** Longest absence of an agent that was asked to end; undefined: it may stay away for ever. */
  readonly stoppedMs: number | undefined;
  /** Who was away for so long is not expected back. */
  readonly forgetMs: number;
}
