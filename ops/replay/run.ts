import type { WeirConfig } from "../../wire/config.ts";
import { configFingerprint } from "../../wire/config-fingerprint.ts";
import { AccessError } from "../access/access-error.ts";
import type { Outcome } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import { assertSomebodyToAsk, confirmed, withProgress } from "../access/progress.ts";
import type { ReplayArguments } from "./command.ts";
import { CommitWatch } from "./commit-watch.ts";
import { Drive } from "./drive.ts";
import { FailureBucket } from "./failure-bucket.ts";
import { inProcessRouter } from "./in-process-router.ts";
import { Pace } from "./pace.ts";
import { doneOutcome, planOutcome, planText } from "./report.ts";
import { replay, type Replayed } from "./replay.ts";
import { requested } from "./request.ts";
import { deployedRouter, type RouterCall } from "./router-call.ts";
import { StreamReader } from "./stream-reader.ts";
import { streamSummary, type StreamSummary } from "./stream-shards.ts";
import type { Stretch } from "./stretch.ts";
import { StretchReader } from "./stretch-reader.ts";
import { survey, type Survey } from "./survey.ts";

/** A record arrives before it is committed, by whichever clock. */
const CLOCKS_MS = 20 * 60_000;

type LoadConfig = (file: string) => Promise<WeirConfig>;

/** What a replay works with. */
interface Parts {
  readonly stream: StreamSummary;
  readonly bucket: FailureBucket;
  readonly watch: CommitWatch;
  readonly router: RouterCall;
  readonly streamReader: StreamReader;
  readonly reader: StretchReader;
}

/** Does what `weir replay` was asked for, and says what came of it. */
export async function runReplay(
  place: Place,
  options: ReplayArguments,
  loadConfig: LoadConfig,
): Promise<Outcome> {
  if (options.since !== undefined || options.until !== undefined) {
    const hint = "A stretch of the stream is from --from to --to.";
    throw new AccessError("BAD_REQUEST", "--since and --until are for --rejected and --quarantined", hint);
  }
  if (options.yes !== true && options.dryRun !== true) assertSomebodyToAsk();
  const mapping = await place.mapping.status();
  const stream = await streamSummary(place.kinesis, place.stream);
  const bucket = new FailureBucket(place.s3, place.failureBucket);
  const { stretches, refused } = await withProgress(1, "looking at what was given up", (progress) => {
    const onObjects = (count: number): void => progress.at(count, `${count} objects`);
    return requested(options, { bucket, mapping, stream, onObjects });
  });
  const watch = await openWatch(place, stretches, stream);
  const notes = watch.unreadable.map((why) => `cannot be read, and what it covers may come again: ${why}`);
  const { router, warnings } = await routerOf(place, options, mapping.batchSize, watch, loadConfig);
  notes.push(...warnings);
  const streamReader = new StreamReader(place.kinesis, mapping.streamArn);
  const committed = watch.records;
  const reader = new StretchReader({
    bucket,
    reader: streamReader,
    stream,
    committed,
    now: () => new Date(),
  });
  const parts = { stream, bucket, watch, router, streamReader, reader };
  const { title } = place;

  let plan: Survey | undefined;
  if (options.yes !== true) {
    plan = await surveyed(stretches, parts);
    const text = planText(title, plan, refused, notes, stream.retentionMs);
    const isEmpty = plan.shards.every(({ records, failures }) => records === 0 && failures === 0);
    if (options.dryRun === true || isEmpty) return planOutcome(plan, refused, notes, text);
    process.stderr.write(`${text}\n`);
    if (!(await confirmed("Replay them?"))) return { ...planOutcome(plan, refused, notes, title), ok: false };
  }
  return doneOutcome(title, await driven(stretches, parts, options, plan), refused, notes, options.done);
}

/** What is committed of the shards in question, since before the first record in question arrived. */
function openWatch(
  place: Place,
  stretches: readonly Stretch[],
  { retentionMs }: StreamSummary,
): Promise<CommitWatch> {
  const nowMs = Date.now();
  const arrivals = stretches.map(({ failure, from }) => {
    if (failure) return failure.arrivedFrom.getTime();
    return "at" in from ? from.at.getTime() : nowMs - retentionMs;
  });
  const since = new Date(arrivals.reduce((a, b) => Math.min(a, b), nowMs) - CLOCKS_MS);
  const shards = new Set(stretches.map(({ shardId }) => shardId));
  return withProgress(1, "reading commits", (progress) =>
    CommitWatch.open(place, shards, since, (segment, last) =>
      progress.at(segment / last, `commits: segment ${segment} of ${last}`),
    ),
  );
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

function surveyed(
  stretches: readonly Stretch[],
  { reader, watch, router: { limits } }: Parts,
): Promise<Survey> {
  return withProgress(stretches.length, "reading what is to be replayed", (progress) => {
    const onStretch = (done: number): void =>
      progress.at(done, `${done} of ${stretches.length} batches read`);
    return survey(stretches, { reader, committed: watch.records, limits, onStretch });
  });
}

function driven(
  stretches: readonly Stretch[],
  { stream, bucket, watch, router, streamReader, reader }: Parts,
  { rate, done }: ReplayArguments,
  plan: Survey | undefined,
): Promise<Replayed> {
  const total = plan
    ? plan.shards.reduce((sum, { records, committed }) => sum + records + committed, 0)
    : stretches.reduce((sum, { failure }) => sum + (failure?.records ?? 0), 0);
  return withProgress(total, "records", (progress) => {
    let count = 0;
    const onRecords = (records: number): void => progress.at((count += records), `${count} records`);
    const pace = new Pace(rate === undefined ? Infinity : rate * 1e6);
    const drive = new Drive({ reader, stream: streamReader, watch, router, pace, onRecords });
    return replay(stretches, {
      drive,
      committed: watch.records,
      bucket,
      done,
      maxRecords: router.limits.records,
      readableFrom: new Date(Date.now() - stream.retentionMs + CLOCKS_MS),
    });
  });
}
