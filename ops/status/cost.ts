import type { Place } from "../access/place.ts";
import { PRICES } from "./prices.ts";
import type { RoutedFacts } from "./routed.ts";
import { absent, type Report } from "./section.ts";
import type { StreamFacts } from "./stream.ts";

const TITLE = "COST";
const HOURS_OF_MONTH = 730;
/** Measured: bench/results.md. Of a core, and Lambda gives a whole one at 1,769 MB. */
const ROUTER_CPU_SECONDS_PER_GB = 7.3;
const CORE_GB = 1_769 / 1_024;
/** Alarms, metrics, key and secret of a stack of three types: docs/cost.md. */
const FIXED_MONTH = 26;

export interface CostParts {
  readonly stream: number;
  readonly router: number;
  readonly requests: number;
  readonly warehouse: number;
  readonly fixed: number;
}

/**
 * What the month has cost so far, as if all of it had been as the hours that were looked at. Storage, which depends on all
 * the months before, and whoever asks the warehouse something, are left out.
 */
export function costParts(
  stream: StreamFacts,
  { hours, streamBytes, objects }: Pick<RoutedFacts, "hours" | "streamBytes" | "objects">,
  rpuSeconds: number,
  now: Date,
): CostParts {
  const elapsed = elapsedHours(stream, now);
  const gb = (streamBytes / 1e9) * (elapsed / hours);
  const { kinesis, lambda, s3, redshift } = PRICES;
  const keptDays = Math.min(stream.retentionHours / 24, 7) - 1;
  const onDemand =
    elapsed * kinesis.onDemandStreamHour +
    gb * (kinesis.onDemandInGb + kinesis.onDemandOutGb) +
    (gb / elapsed) * 24 * keptDays * kinesis.onDemandKeptGbMonth * (elapsed / HOURS_OF_MONTH);
  const provisioned =
    elapsed * stream.shards * (kinesis.shardHour + (keptDays > 0 ? kinesis.keptShardHour : 0)) +
    ((gb * 1e6) / 25 / 1e6) * kinesis.millionPutUnits;
  const puts = objects * (elapsed / hours);
  return {
    stream: stream.mode === "on-demand" ? onDemand : provisioned,
    router: gb * ROUTER_CPU_SECONDS_PER_GB * CORE_GB * lambda.gbSecond,
    // Each is put once and read once, by the loader or the sequencer.
    requests: (puts / 1_000) * (s3.thousandPuts + s3.thousandGets),
    warehouse: (rpuSeconds / 3_600) * redshift.rpuHour,
    fixed: FIXED_MONTH * (elapsed / HOURS_OF_MONTH),
  };
}

/** Of this month, in UTC as the bill has it; of a stream that is younger, since it was made. */
function elapsedHours({ createdAt }: Pick<StreamFacts, "createdAt">, now: Date): number {
  const begins = Math.max(Date.parse(createdAt), monthOf(now).getTime());
  return Math.max(1, (now.getTime() - begins) / 3_600_000);
}

const monthOf = (now: Date): Date => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()));

export async function costReport(
  { metrics }: Pick<Place, "metrics">,
  facts: { readonly stream: Promise<StreamFacts>; readonly routed: Promise<RoutedFacts> },
  now: Date,
): Promise<Report> {
  if (metrics === undefined) return absent(TITLE, "a laptop costs nothing");
  const [stream, routed] = await Promise.all([facts.stream, facts.routed]);
  const parts = costParts(stream, routed, await metrics.rpuSeconds(monthOf(now), now), now);
  const total = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const summary = `about ${dollars(total)} so far this month: a rough model, at list prices of us-east-1`;
  const shares = Object.entries(parts).map(([name, part]) => `${name} ${dollars(part)}`);
  const notes = [
    shares.join(", "),
    "as if all of it had been like the last hours; without storage and queries",
  ];
  return { section: { title: TITLE, summary, problems: [], notes }, json: { roughUsd: total, parts } };
}

const dollars = (usd: number): string =>
  `$${usd < 10 ? usd.toFixed(2) : Math.round(usd).toLocaleString("en-US")}`;
