import type { Severity } from "../conditions/condition.ts";
import type { RejectReason } from "../../wire/reject.ts";

/** How far a run is. Once it has ended it is balanced or it is not. */
export type Phase = "starting" | "running" | "draining" | "balanced" | "unbalanced";

/**
 * The laptop cloud at one moment, as the console shows it. Counts only grow: the page makes rates of
 * them. Plain JSON.
 */
export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly elapsedSeconds: number;
  readonly phase: Phase;
  readonly agent: {
    readonly files: readonly AgentFile[];
    /** Lines that Kinesis acknowledged, by type; the page guesses from bytes without it. */
    readonly sentLines?: Readonly<Record<string, number>>;
  };
  readonly kinesis: { readonly shards: readonly ShardView[] };
  readonly router: { readonly invocations: number; readonly errors: number };
  /** By log type, without the agents' heartbeats. */
  readonly types: Readonly<Record<string, TypeFlow>>;
  readonly rejects: readonly RejectView[];
  readonly lake: {
    readonly commits: number;
    readonly objects: number;
    readonly bytes: number;
    /** Kinesis records that could not be opened. */
    readonly quarantined: number;
  };
  readonly warehouse: { readonly loads: number; readonly failedLoads: number };
  /** What does not balance, once the run has ended. */
  readonly problems: readonly string[];
  /** What is not as it should be, worst first. */
  readonly conditions: readonly ConditionView[];
}

export interface ConditionView {
  readonly id: string;
  readonly severity: Severity;
  /** Names the state of the whole. */
  readonly headline: string;
  /** What is wrong, and since when. */
  readonly text: string;
  /** Time of day. */
  readonly since: string;
}

export interface AgentFile {
  readonly path: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** Acknowledged by Kinesis. */
  readonly deliveredBytes: number;
  /** How many files it stands for: one if absent. */
  readonly count?: number;
}

export interface ShardView {
  readonly shardId: string;
  readonly recordsPerSecond: number;
  /** Age of the record the router last read: its iterator age. */
  readonly millisBehind: number;
}

/** What became of a type's lines: as in a commit, and how many rows the warehouse has. */
export interface TypeFlow {
  readonly lines: number;
  readonly bytes: number;
  readonly rows: number;
  readonly rejected: number;
  readonly filtered: number;
  readonly duplicates: number;
  /** Rows in the type's tables; undefined for a type that stays in the lake. */
  readonly loaded: number | undefined;
}

export interface RejectView {
  readonly type: string;
  readonly reason: RejectReason;
  readonly field: string | undefined;
  readonly count: number;
  /** What was found in one such line. */
  readonly detail: string;
}
