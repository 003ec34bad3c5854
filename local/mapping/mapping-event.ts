import type { GiveUpCondition } from "./batch-queue.ts";

/** What a mapping tells whoever watches: counts for a console, and for the metrics Lambda would emit. */
export type MappingEvent =
  | { readonly kind: "shard-opened" | "shard-closed"; readonly shardId: string }
  | { readonly kind: "polled"; readonly shardId: string; readonly records: number; readonly bytes: number }
  /** Without a shard it was the list of shards that could not be had. */
  | { readonly kind: "poll-failed"; readonly shardId: string | undefined; readonly error: unknown }
  | {
      readonly kind: "invoked";
      readonly shardId: string;
      readonly records: number;
      readonly milliseconds: number;
      readonly outcome: "succeeded" | "failed" | "throttled";
      /** Why, for an invocation that ended in an error. */
      readonly error: string | undefined;
    }
  | {
      readonly kind: "gave-up";
      readonly shardId: string;
      readonly records: number;
      readonly condition: GiveUpCondition;
      /** Object in the failure destination; undefined where there is none, and the records are gone. */
      readonly key: string | undefined;
    }
  | {
      readonly kind: "destination-failed";
      readonly shardId: string;
      readonly key: string;
      readonly error: unknown;
    };
