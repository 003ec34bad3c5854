import { duration, printable, textTable } from "../access/text-table.ts";
import type { Done } from "./failure-bucket.ts";
import type { Replayed } from "./replay.ts";
import type { Lost, Refused } from "./stretch.ts";
import type { Survey } from "./survey.ts";

const COLUMNS = [
  { title: "shard" },
  { title: "given up", right: true },
  { title: "in the lake", right: true },
  { title: "to replay", right: true },
  { title: "bytes", right: true },
  { title: "oldest", right: true },
  { title: "kept for", right: true },
] as const;

/** Poison records and objects that are named one by one; JSON has all of them. */
const NAMED = 20;

/** What would be done, for people. */
export function planText(
  { shards, lost, notes }: Survey,
  refused: readonly Refused[],
  retentionMs: number,
  now: Date,
): string {
  const rows = shards.map((shard) => {
    const ageMs = shard.oldestAt && now.getTime() - shard.oldestAt.getTime();
    const left = ageMs === undefined ? "-" : duration(Math.max(0, retentionMs - ageMs) / 1_000);
    return [
      shard.shardId,
      `${shard.failures || "-"}`,
      `${shard.committed}`,
      `${shard.records}`,
      size(shard.bytes),
      ageMs === undefined ? "-" : duration(ageMs / 1_000),
      // An object of the failure bucket is kept for good.
      left,
    ];
  });
  return [
    rows.length === 0 ? "nothing to replay" : textTable(COLUMNS, rows),
    ...trouble(lost, refused, notes),
  ].join("\n");
}

/** What was done, for people. */
export function doneText(
  { driven, objects, stopped }: Replayed,
  refused: readonly Refused[],
  done: Done,
): string {
  const sum = (of: (one: Replayed["driven"][number]) => number): number =>
    driven.reduce((total, one) => total + of(one), 0);
  const poison = driven.flatMap(({ poison }) => poison);
  const verb = { keep: "kept", move: "moved to replayed/", remove: "removed" }[done];
  return [
    `replayed ${sum(({ records }) => records)} records, ${size(sum(({ bytes }) => bytes))}, in ${sum(({ batches }) => batches)} invocations; ${sum(({ committed }) => committed)} were in the lake`,
    ...(objects.done.length > 0 ? [`${objects.done.length} objects ${verb}`] : []),
    ...some(objects.refused, ({ key, error }) => `not ${verb}, though it is in the lake: ${key}: ${error}`),
    ...some(
      poison,
      ({ shardId, sequenceNumber, bytes, error }) =>
        `the router fails on ${shardId} ${sequenceNumber}, ${size(bytes)}: ${error}`,
    ),
    ...trouble(
      driven.flatMap(({ lost }) => lost),
      refused,
      driven.flatMap(({ notes }) => notes),
    ),
    ...(objects.left.length > 0
      ? [`${objects.left.length} objects stay: not all of them is in the lake`]
      : []),
    ...(stopped === undefined ? [] : [`Stopped: ${stopped}. Mend it, and say the same again.`]),
  ]
    .map(printable)
    .join("\n");
}

function trouble(lost: readonly Lost[], refused: readonly Refused[], notes: readonly string[]): string[] {
  return [
    ...some(lost, lostText),
    ...some(refused, ({ name, why }) => `not replayed: ${name}: ${why}`),
    ...some(notes, (note) => note),
  ].map(printable);
}

function lostText({ shardId, from, to, arrivedFrom, arrivedTo, records, object }: Lost): string {
  const what = records === undefined ? "records, if there were any," : `${records} records`;
  const numbers = from === undefined ? "" : ` from ${from} to ${to}`;
  const since = arrivedFrom === undefined ? "" : ` from ${arrivedFrom}`;
  const times = arrivedTo === undefined ? "" : `, arrived${since} until ${arrivedTo}`;
  const named = object === undefined ? "" : ` (${object})`;
  return `LOST: ${shardId}: ${what}${numbers}${times}: past the stream's retention${named}`;
}

function some<T>(items: readonly T[], text: (item: T) => string): string[] {
  const rest = items.length - NAMED;
  return [...items.slice(0, NAMED).map(text), ...(rest > 0 ? [`and ${rest} more of these`] : [])];
}

function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
