import type { FailureRecord } from "../../wire/failure-record.ts";
import { WireError } from "../../wire/wire-error.ts";
import { AccessError } from "../access/access-error.ts";
import type { MappingStatus } from "../access/router-mapping.ts";
import type { ReplayArguments } from "./command.ts";
import type { FailureBucket } from "./failure-bucket.ts";
import { recordsOfFile } from "./record-file.ts";
import type { Bound } from "./stream-reader.ts";
import { family, mayHold, type StreamShard, type StreamSummary } from "./stream-shards.ts";
import { compareStretches, failureStretch, type Refused, type Stretch } from "./stretch.ts";

/** What a replay was asked for. */
export interface Requested {
  /** Of each shard in order. */
  readonly stretches: readonly Stretch[];
  readonly refused: readonly Refused[];
}

export interface RequestParts {
  readonly bucket: FailureBucket;
  readonly mapping: MappingStatus;
  readonly stream: StreamSummary;
  /** Told how many objects were looked at. */
  readonly onObjects?: (count: number) => void;
}

/** @throws AccessError BAD_REQUEST for options that make no sense together */
export async function requested(options: ReplayArguments, parts: RequestParts): Promise<Requested> {
  const { failed, object = [], record = [], shard, from, to } = options;
  const isRange = shard !== undefined || from !== undefined || to !== undefined;
  if (!failed && object.length === 0 && record.length === 0 && !isRange) {
    const hint =
      "Say --failed, --object KEY, --record FILE, or --from X --to Y, with --shard S for one shard.";
    throw new AccessError("BAD_REQUEST", "nothing says what to replay", hint);
  }
  const refused: Refused[] = [];
  const stretches: Stretch[] = [];
  const take = (failure: FailureRecord, name: string, key?: string): void => {
    const why = strange(failure, parts);
    if (why === undefined) stretches.push(failureStretch(failure, key));
    else refused.push({ name, why });
  };
  const keys = failed ? await Array.fromAsync(parts.bucket.keys()) : object.map(keyOf);
  let looked = 0;
  await eachOf(keys, async (key) => {
    parts.onObjects?.(++looked);
    try {
      const failure = await parts.bucket.describe(key);
      if (failure) take(failure, key, key);
      else if (!failed) refused.push({ name: key, why: "there is no such object" });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      refused.push({ name: key, why: error.message });
    }
  });
  for (const path of record) {
    try {
      for (const failure of await recordsOfFile(path)) take(failure, path);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      refused.push({ name: path, why: error.message });
    }
  }
  if (isRange) stretches.push(...range(shard, from, to, parts.stream));
  return { stretches: stretches.sort(compareStretches), refused };
}

/** Why a failure record is none of this pipeline's; undefined where it is. */
function strange({ streamArn, functionArn }: FailureRecord, { mapping }: RequestParts): string | undefined {
  if (streamArn !== mapping.streamArn) return `it is of ${streamArn}, not of ${mapping.streamArn}`;
  if (bare(functionArn) === bare(mapping.functionArn)) return undefined;
  return `it is of the function ${functionArn}, not of ${mapping.functionArn}`;
}

/** Without a version or an alias. */
const bare = (functionArn: string): string => functionArn.split(":").slice(0, 7).join(":");

/** A key, also as it is copied from elsewhere. */
const keyOf = (object: string): string => object.replace(/^s3:\/\/[^/]+\//, "");

/** @throws AccessError BAD_REQUEST */
function range(
  shard: string | undefined,
  from: Bound | undefined,
  to: Bound | undefined,
  { shards }: StreamSummary,
): Stretch[] {
  const bad = (message: string, hint: string): AccessError => new AccessError("BAD_REQUEST", message, hint);
  if (from === undefined || to === undefined) {
    const missing = from === undefined ? "--from" : "--to";
    throw bad(`a range has two ends, and ${missing} is missing`, "Both are included.");
  }
  if ("sequence" in from && "sequence" in to ? from.sequence > to.sequence : false)
    throw bad("--from is after --to", "Sequence numbers are compared as numbers.");
  if ("at" in from && "at" in to && from.at > to.at) throw bad("--from is after --to", "Both are included.");
  if (shard === undefined && ("sequence" in from || "sequence" in to)) {
    throw bad("sequence numbers count within a shard", "Say --shard, or give times.");
  }
  if (shard !== undefined && !shards.has(shard)) {
    const hint = `It has ${[...shards.keys()].join(", ")}. A closed shard goes once its records are past retention.`;
    throw bad(`the stream has no shard ${shard}`, hint);
  }
  const within: StreamShard[] = shard === undefined ? [...shards.values()] : family(shards, shard);
  return within
    .filter((one) => mayHold(one, from, to))
    .map(({ shardId }) => ({ shardId, from, to, failure: undefined, object: undefined }));
}

/** Requests of S3 at a time. */
const CONCURRENCY = 32;

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
