import type { Heartbeat } from "../../wire/heartbeat.ts";
import type { FilterCounts } from "../framing/line-filter.ts";
import type { SentCounts } from "../kinesis/aggregator.ts";
import type { Renewal } from "../machine/machine-state.ts";
import type { ProducerCounts, ShardCounts } from "../kinesis/producer.ts";
import type { PushedVitals } from "../push/pushed-input.ts";
import type { TailCounts } from "../tail/files/tail-log.ts";
import type { Latency } from "./latency.ts";
import type { Pace } from "./pace.ts";
import type { WatchedSource } from "./watched-source.ts";

/** What there is to tell of an agent at this moment. */
export interface Vitals {
  readonly agent: Heartbeat["agent"];
  readonly host: string;
  readonly stream: string;
  readonly files: readonly WatchedSource[];
  /** Files that are named in the configuration and are not there. */
  readonly missing: readonly { readonly tag: string; readonly path: string }[];
  readonly pace: Pace;
  readonly tail: TailCounts;
  /** Files that match and are not followed yet, for want of room. */
  readonly waitingFiles: number;
  /** Lines and bytes that were framed, acknowledged or not, and lines that were cut. */
  readonly read: { readonly lines: number; readonly bytes: number; readonly cut: number };
  /** What became of lines that were not sent as they are, by the tag of their `[[files]]` entry. */
  readonly filters: readonly { readonly tag: string; readonly counts: FilterCounts }[];
  /** Undefined where nothing is pushed. */
  readonly pushed: PushedVitals | undefined;
  readonly sent: ReadonlyMap<string, SentCounts>;
  readonly producer: ProducerCounts;
  readonly shards: ReadonlyMap<string, ShardCounts>;
  /** Of PutRecords requests. */
  readonly latency: Latency;
  /** Of the shard map; 0 until it is known. */
  readonly openShards: number;
  /** Why the last PutRecords request failed, until one succeeds. */
  readonly putFailure: string | undefined;
  readonly bufferedBytes: number;
  readonly maxBufferedBytes: number;
  readonly checkpoint: {
    /** When it was last known to be true. */
    readonly savedAtMs: number;
    /** Saves that failed. */
    readonly failures: number;
    /** How sources came to go on under new ids at this start. */
    readonly renewal?: Renewal | undefined;
  };
  /** Lines that wait for longer than this without any acknowledgement are stuck. */
  readonly stalledMs: number;
  /** Files with metrics of their own, at most. */
  readonly maxFileSeries: number;
  readonly reload: ReloadOutcome;
}

/** How changes of configuration went. */
export interface ReloadOutcome {
  /** Of the last one. */
  readonly isSuccessful: boolean;
  /** When the configuration in use was taken over. */
  readonly configuredAtMs: number;
  /** Since the start. */
  readonly taken: number;
  readonly refused: number;
}
