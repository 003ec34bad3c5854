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
}

/** How the last change of configuration went. */
export interface ReloadOutcome {
  readonly isSuccessful: boolean;
  /** When the configuration in use was taken over. */
  readonly configuredAtMs: number;
}
