import type { Place } from "../access/place.ts";
import { FailureBucket } from "../replay/failure-bucket.ts";
import type { RoutedFacts } from "./routed.ts";
import { bytesText, firstOf, type Report, roughly } from "./section.ts";
import { counted } from "../access/figures.ts";

/** As many are counted; more are as bad. */
const COUNTED_BATCHES = 1_000;
const SHOWN_REASONS = 6;
/** As the alarm has it by default. */
const REJECTED_SHARE = 0.05;

/** Batches that the mapping gave up and nobody has replayed yet. */
export async function failedBatches({ s3, failureBucket }: Place): Promise<number> {
  let batches = 0;
  for await (const _ of new FailureBucket(s3, failureBucket).keys()) {
    if (++batches === COUNTED_BATCHES) break;
  }
  return batches;
}

export function routerReport(failed: number, facts: RoutedFacts): Report {
  const { hours, lines, rejected, quarantined, unreadableCommits, reasons, sampled } = facts;
  const share = lines === 0 ? 0 : rejected / lines;
  const last = hours === 1 ? "in the last hour" : `in the last ${hours} hours`;
  const summary = `${last} ${roughly(lines)} lines, ${roughly(rejected)} of them rejected (${(100 * share).toFixed(1)} %)`;
  const many = failed === COUNTED_BATCHES ? " or more" : "";
  const problems = [
    ...(failed > 0
      ? [`${counted(failed, "batch").replace(/batchs$/, "batches")}${many} given up: weir replay --failed`]
      : []),
    ...(quarantined > 0 ? [`${counted(quarantined, "record")} quarantined: weir replay --quarantined`] : []),
    ...(unreadableCommits > 0 ? [`${counted(unreadableCommits, "commit")} cannot be read`] : []),
    ...(share > REJECTED_SHARE ? [`more than ${100 * REJECTED_SHARE} % of lines are rejected`] : []),
  ];
  const of = sampled < rejected ? `the newest ${sampled}` : "all";
  const why = reasons.map(
    ({ type, reason, field, lines }) =>
      `  ${lines} ${type} ${reason}${field === undefined ? "" : ` ${field}`}`,
  );
  const notes =
    why.length === 0
      ? []
      : [`rejected lines, ${of} by type, reason and field:`, ...firstOf(why, SHOWN_REASONS)];
  return {
    section: { title: "ROUTER", summary, problems, notes },
    json: { failedBatches: failed, ...facts },
  };
}

/** What comes into the lake, at the pace of the hours that were looked at. */
export function lakeReport({ hours, rows, lakeBytes }: RoutedFacts): Report {
  const perDay = 24 / hours;
  const day = { rowsPerDay: Math.round(rows * perDay), bytesPerDay: Math.round(lakeBytes * perDay) };
  const summary = `${roughly(day.rowsPerDay)} rows and ${bytesText(day.bytesPerDay)} a day, at this pace`;
  return {
    section: { title: "LAKE", summary, problems: [], notes: [] },
    json: { rows, bytes: lakeBytes, ...day },
  };
}
