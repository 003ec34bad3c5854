import type { Heartbeat } from "../../wire/heartbeat.ts";
import type { SentCounts } from "../producer/aggregator.ts";
import type { ProducerCounts, ShardCounts } from "../producer/producer.ts";
import type { TailCounts } from "../tail/file-finder.ts";
import type { WatchedSource } from "./watched-source.ts";
import type { Pace } from "./pace.ts";

/** What there is to tell of an agent at this moment. */
export interface Vitals {
  readonly agent: Heartbeat["agent"];
  readonly stream: string;
  readonly files: readonly WatchedSource[];
  /** Files that are named in the configuration and are not there. */
  readonly missing: readonly { readonly tag: string; readonly path: string }[];
  readonly pace: Pace;
  readonly tail: TailCounts;
  /** Lines and bytes that were framed, acknowledged or not. */
  readonly read: { readonly lines: number; readonly bytes: number };
  readonly sent: ReadonlyMap<string, SentCounts>;
  readonly producer: ProducerCounts;
  readonly shards: ReadonlyMap<string, ShardCounts>;
  /** Of the shard map; 0 until it is known. */
  readonly openShards: number;
  /** Why the last PutRecords request failed, until one succeeds. */
  readonly putFailure: string | undefined;
  readonly bufferedBytes: number;
  readonly maxBufferedBytes: number;
  /** When the checkpoint was last known to be true. */
  readonly checkpointAtMs: number;
  /** Lines that wait for longer than this without any acknowledgement are stuck. */
  readonly stalledMs: number;
  readonly reload: ReloadOutcome;
  /** Of pushed events; undefined where there are none. */
  readonly spool: SpoolVitals | undefined;
}

export interface SpoolVitals {
  readonly bytes: number;
  readonly maxBytes: number;
  /** Events wait for room, or are left out. */
  readonly isFull: boolean;
  /** Why it cannot be written, and so nothing is acknowledged. */
  readonly error: string | undefined;
  /** Left out because it was full. */
  readonly dropped: { readonly lines: number; readonly bytes: number };
  /** Of the forward input. */
  readonly connections: number;
}

/** How the last change of configuration went. */
export interface ReloadOutcome {
  readonly isSuccessful: boolean;
  /** When the configuration in use was taken over. */
  readonly configuredAtMs: number;
  /** Since the start. */
  readonly taken: number;
  readonly refused: number;
}
