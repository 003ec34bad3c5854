import type { WeirConfig } from "../../wire/config.ts";
import { configFingerprint } from "../../wire/config-fingerprint.ts";
import type { Outcome } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import { confirmed, startProgress } from "../access/progress.ts";
import type { BatchLimits } from "./batches.ts";
import type { ReplayArguments } from "./command.ts";
import { CommitWatch } from "./commit-watch.ts";
import { Drive } from "./drive.ts";
import { FailureBucket } from "./failure-bucket.ts";
import { inProcessRouter } from "./in-process-router.ts";
import { Pace } from "./pace.ts";
import { doneText, planText } from "./render.ts";
import { replay, type Replayed } from "./replay.ts";
import { requested, type Requested } from "./request.ts";
import { deployedRouter, type RouterCall } from "./router-call.ts";
import { StreamReader } from "./stream-reader.ts";
import { streamSummary, type StreamSummary } from "./stream-shards.ts";
import type { Stretch } from "./stretch.ts";
import { StretchReader } from "./stretch-reader.ts";
import { survey, type Survey } from "./survey.ts";

/** A record arrives before it is committed, by whichever clock. */
const CLOCKS_MS = 20 * 60_000;

type LoadConfig = (file: string) => Promise<WeirConfig>;

/** Does what `weir replay` was asked for, and says what came of it. */
export async function runReplay(
  place: Place,
  options: ReplayArguments,
  loadConfig: LoadConfig,
): Promise<Outcome> {
  const mapping = await place.mapping.status();
  const stream = await streamSummary(place.kinesis, place.stream);
  const bucket = new FailureBucket(place.s3, place.failureBucket);
  const { stretches, refused } = await requested(options, { bucket, mapping, stream });
  const now = new Date();
  const watch = await openWatch(place, stretches, stream, now);
  const notes = watch.unreadable.map((why) => `cannot be read, and what it covers may come again: ${why}`);
  const { router, warnings } = await routerOf(place, options, mapping.batchSize, watch, loadConfig);
  notes.push(...warnings);
  const streamReader = new StreamReader(place.kinesis, mapping.streamArn);
  const reader = new StretchReader({
    bucket,
    reader: streamReader,
    stream,
    committed: watch.records,
    now: () => new Date(),
  });

  let plan: Survey | undefined;
  if (options.yes !== true) {
    plan = await surveyed(stretches, reader, watch, router.limits);
    const text = [place.title, planText(plan, refused, stream.retentionMs, now), ...notes].join("\n");
    const isEmpty = plan.shards.every(({ records, failures }) => records === 0 && failures === 0);
    if (options.dryRun === true || isEmpty) {
      return planned(plan, refused, notes, `${text}\nNothing was replayed.`);
    }
    process.stderr.write(`${text}\n`);
    if (!(await confirmed("Replay them?"))) return planned(plan, refused, notes, "Nothing was replayed.");
  }

  const pace = new Pace(options.rate === undefined ? Infinity : options.rate * 1e6);
  const total = plan
    ? plan.shards.reduce((sum, { records, committed }) => sum + records + committed, 0)
    : stretches.reduce((sum, { failure }) => sum + (failure?.records ?? 0), 0);
  const progress = await startProgress(total, "records");
  let done = 0;
  const onRecords = (count: number): void => {
    done += count;
    progress.at(done, `${done} records`);
  };
  const drive = new Drive({ reader, stream: streamReader, watch, router, pace, onRecords });
  try {
    const replayed = await replay(stretches, {
      drive,
      committed: watch.records,
      bucket,
      done: options.done,
      maxRecords: router.limits.records,
      readableFrom: new Date(now.getTime() - stream.retentionMs + CLOCKS_MS),
    });
    return told(place, replayed, refused, notes, options);
  } finally {
    progress.end();
  }
}

/** What is committed of the shards in question, since before the first record in question arrived. */
async function openWatch(
  place: Place,
  stretches: readonly Stretch[],
  stream: StreamSummary,
  now: Date,
): Promise<CommitWatch> {
  const horizonMs = now.getTime() - stream.retentionMs;
  const arrivals = stretches.map(({ failure, from }) => {
    if (failure) return failure.arrivedFrom.getTime();
    return "at" in from ? from.at.getTime() : horizonMs;
  });
  const sinceMs = arrivals.reduce((a, b) => Math.min(a, b), now.getTime()) - CLOCKS_MS;
  const shards = new Set(stretches.map(({ shardId }) => shardId));
  return CommitWatch.open(place, shards, new Date(sinceMs));
}

async function routerOf(
  place: Place,
  { inProcess, config: file }: ReplayArguments,
  batchSize: number,
  watch: CommitWatch,
  loadConfig: LoadConfig,
): Promise<{ router: RouterCall; warnings: string[] }> {
  if (inProcess !== true) return { router: deployedRouter(place, batchSize), warnings: [] };
  const config = await loadConfig(file);
  const isDeployed = watch.config === "" || watch.config === configFingerprint(config);
  const warning = `${file} is not what the latest commit was routed by: rows may come out otherwise`;
  return { router: inProcessRouter(place, config), warnings: isDeployed ? [] : [warning] };
}

async function surveyed(
  stretches: readonly Stretch[],
  reader: StretchReader,
  watch: CommitWatch,
  limits: BatchLimits,
): Promise<Survey> {
  const progress = await startProgress(stretches.length, "reading what is to be replayed");
  const onStretch = (done: number): void => progress.at(done, `${done} of ${stretches.length} batches read`);
  try {
    return await survey(stretches, { reader, committed: watch.records, limits, onStretch });
  } finally {
    progress.end();
  }
}

function planned(
  plan: Survey,
  refused: Requested["refused"],
  notes: readonly string[],
  text: string,
): Outcome {
  const ok = plan.lost.length === 0 && refused.length === 0;
  const json = { ok, replayed: false, ...plan, notes: [...notes, ...plan.notes], refused };
  return { ok, json, text };
}

function told(
  place: Place,
  replayed: Replayed,
  refused: Requested["refused"],
  notes: readonly string[],
  { done }: ReplayArguments,
): Outcome {
  const { driven, objects, stopped } = replayed;
  const ok =
    driven.every(({ complete }) => complete) &&
    stopped === undefined &&
    refused.length === 0 &&
    objects.refused.length === 0;
  const sum = (key: "records" | "bytes" | "batches" | "committed"): number =>
    driven.reduce((total, one) => total + one[key], 0);
  const json = {
    ok,
    replayed: true,
    records: sum("records"),
    bytes: sum("bytes"),
    invocations: sum("batches"),
    committed: sum("committed"),
    poison: driven.flatMap(({ poison }) => poison),
    lost: driven.flatMap(({ lost }) => lost),
    refused,
    objects,
    notes: [...notes, ...driven.flatMap((one) => one.notes)],
    ...(stopped !== undefined && { stopped }),
  };
  const text = [place.title, doneText(replayed, refused, done), ...notes].join("\n");
  return { ok, json, text };
}
