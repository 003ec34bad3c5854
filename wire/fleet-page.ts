import * as z from "zod";

/**
 * The page that fleet watch keeps of all hosts: what it knows by its last run, for whoever asks how the fleet is.
 * Times are by AWS's clocks but for those that a field says are the host's. Readers drop fields that they do not know.
 */
export const FLEET_PAGE_KEY = "fleet/page.json";

const instant = z.iso.datetime();
const count = z.int().min(0);

export const HOST_STATES = ["well", "silent", "stalled", "stopped"] as const;

const fleetFileSchema = z.object({
  path: z.string(),
  /** Bytes of it that are not delivered. */
  waiting: count,
  /** Stuck: bytes wait, and none was delivered. Unreadable: the agent cannot read it. */
  state: z.enum(["behind", "stuck", "unreadable"]),
  since: instant,
  error: z.string().optional(),
});

const fleetHostSchema = z.object({
  host: z.string(),
  /** Silent: no heartbeat comes. Stalled: they come, and nothing is delivered. Stopped: its agent was asked to end. */
  state: z.enum(HOST_STATES),
  /** When its last heartbeat arrived. */
  seenAt: instant,
  version: z.string(),
  /** Files that wait, and bytes of them. */
  behind: count,
  waiting: count,
  /** How long ago the agent was at the end of the file that is furthest behind; by the host's clock, as of `seenAt`. */
  lagSeconds: z.number().min(0),
  /** Files that are stuck or unreadable, and of the others those of which most waits. Not all of them. */
  files: z.array(fleetFileSchema),
});

export const fleetPageSchema = z.object({
  version: z.literal(1),
  at: instant,
  /** When the last heartbeat of any host arrived. Absent where none ever did. */
  heardAt: instant.optional(),
  /** Since when none of any host arrives, though some should. */
  silentSince: instant.optional(),
  counts: z.object({
    hosts: count,
    silent: count,
    stalled: count,
    stopped: count,
    stuckFiles: count,
    unreadableFiles: count,
    filesBehind: count,
    bytesWaiting: count,
  }),
  /** Hosts that there is no room for: at least so many sent heartbeats since the run before. */
  hostsLeftOut: count,
  /** Those with trouble first. Not all of a large fleet: `counts` are of all. */
  hosts: z.array(fleetHostSchema),
});

export type FleetPage = z.output<typeof fleetPageSchema>;
export type FleetPageHost = FleetPage["hosts"][number];
