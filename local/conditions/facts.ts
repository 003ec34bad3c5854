import type { Phase } from "../console/snapshot.ts";
import type { RejectCounts } from "../reconcile/reject-limit.ts";

/** Something that is asked again and again whether it is there. */
export interface Heartbeat {
  /** "S3", "Kinesis", "the warehouse" */
  readonly part: string;
  /** Time of the last answer, or of the first question. */
  readonly answeredAtMs: number;
}

/** A function that failed lately. */
export interface FailingFunction {
  readonly part: string;
  /** Counts all failures since `sinceMs`; `inRow` those without a success after them. */
  readonly failures: number;
  readonly inRow: number;
  readonly sinceMs: number;
  readonly lastAtMs: number;
  readonly error: string;
}

export interface WaitingTable {
  readonly table: string;
  readonly lagSeconds: number;
  /** Why its load failed, which is tried again. */
  readonly failure?: string | undefined;
  readonly isPaused?: boolean | undefined;
}

export interface AgentFacts {
  /** Time of its last status, or of its start. */
  readonly statusAtMs: number;
  /** Why it cannot send. */
  readonly error?: string | undefined;
  readonly files: readonly { readonly path: string; readonly error: string }[];
  readonly behindBytes: number;
  /** Last time at which Kinesis acknowledged anything, or there was nothing to. */
  readonly deliveredAtMs: number;
}

/** What a run's parts show of themselves at one moment. */
export interface Facts {
  readonly atMs: number;
  readonly phase: Phase;
  readonly heartbeats: readonly Heartbeat[];
  readonly functions: readonly FailingFunction[];
  /** Records in the failure destination. */
  readonly givenUp: number;
  /** Age of the oldest record that the router has not finished, and when it last ended a batch well. */
  readonly routerBehindMs: number;
  readonly routedAtMs: number;
  /** Undefined before it is started, and after it has sent everything. */
  readonly agent: AgentFacts | undefined;
  /** Last time at which a loader told how it is; undefined without a warehouse. */
  readonly loaderTickAtMs: number | undefined;
  readonly waiting: readonly WaitingTable[];
  /** What the warehouse says of rows that it does not take, by table. */
  readonly refused: ReadonlyMap<string, string>;
  readonly freeDiskBytes: number;
  readonly types: Readonly<Record<string, RejectCounts>>;
  /** Kinds of rejects, the most frequent first. */
  readonly rejects: readonly { readonly type: string; readonly detail: string }[];
  readonly maxRejectedPercent: number;
}
