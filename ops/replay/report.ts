import type { Outcome } from "../access/place-command.ts";
import { duration, printable, textTable } from "../access/text-table.ts";
import type { Driven } from "./drive.ts";
import type { Done } from "./failure-bucket.ts";
import type { Replayed } from "./replay.ts";
import { counted } from "./reparse/reparse-text.ts";
import type { Lost, Refused } from "./stretch.ts";
import type { Survey, SurveyedShard } from "./survey.ts";

const COLUMNS = [
  { title: "shard" },
  { title: "given up", right: true },
  { title: "in the lake", right: true },
  { title: "to replay", right: true },
  { title: "bytes", right: true },
  { title: "oldest", right: true },
  { title: "kept for", right: true },
] as const;

/** Records and objects that are named one by one; JSON has all of them. */
const NAMED = 20;

/** What would be done, for people. */
export function planText(
  title: string,
  { shards, lost, notes }: Survey,
  refused: readonly Refused[],
  more: readonly string[],
  retentionMs: number,
): string {
  const row = (shard: SurveyedShard): string[] => {
    const { shardId, failures, committed, records, bytes, oldestAt } = shard;
    const ageMs = oldestAt && Date.now() - oldestAt.getTime();
    const times = ageMs === undefined ? ["-", "-"] : [ageMs, Math.max(0, retentionMs - ageMs)].map(inWords);
    return [shardId, `${failures || "-"}`, `${committed}`, `${records}`, size(bytes), ...times];
  };
  const table = shards.length === 0 ? "nothing to replay" : textTable(COLUMNS, shards.map(row));
  return [title, table, ...trouble(lost, refused, [...notes, ...more])].join("\n");
}

export function planOutcome(
  plan: Survey,
  refused: readonly Refused[],
  more: readonly string[],
  text: string,
): Outcome {
  const ok = plan.lost.length === 0 && refused.length === 0;
  const json = { ok, replayed: false, ...plan, notes: [...more, ...plan.notes], refused };
  return { ok, json, text: `${text}\nNothing was replayed.` };
}

/** What was done. */
export function doneOutcome(
  title: string,
  { driven, objects, stopped }: Replayed,
  refused: readonly Refused[],
  more: readonly string[],
  done: Done,
): Outcome {
  const sum = (key: "records" | "bytes" | "batches" | "committed"): number =>
    driven.reduce((total, one) => total + one[key], 0);
  const all = <T>(of: (one: Driven) => readonly T[]): T[] => driven.flatMap(of);
  const ok =
    driven.every(({ complete }) => complete) &&
    stopped === undefined &&
    refused.length === 0 &&
    objects.refused.length === 0;
  const json = {
    ok,
    replayed: true,
    records: sum("records"),
    bytes: sum("bytes"),
    invocations: sum("batches"),
    committed: sum("committed"),
    poison: all(({ poison }) => poison),
    lost: all(({ lost }) => lost),
    refused,
    objects,
    notes: [...more, ...all(({ notes }) => notes)],
    ...(stopped !== undefined && { stopped }),
  };
  const verb = { keep: "kept", move: "moved to replayed/", remove: "removed" }[done];
  const text = [
    title,
    `replayed ${counted(json.records, "record")}, ${size(json.bytes)}, in ${counted(json.invocations, "invocation")}; in the lake already: ${json.committed}`,
    ...(objects.done.length > 0 ? [`${counted(objects.done.length, "object")} ${verb}`] : []),
    ...some(objects.refused, ({ key, error }) => `not ${verb}, though it is in the lake: ${key}: ${error}`),
    ...some(
      json.poison,
      ({ shardId, sequenceNumber, bytes, error }) =>
        `the router fails on ${shardId} ${sequenceNumber}, ${size(bytes)}: ${error}`,
    ),
    ...trouble(json.lost, refused, json.notes),
    ...(objects.left.length > 0
      ? [`not all of it is in the lake: ${counted(objects.left.length, "object")}, left as before`]
      : []),
    ...(stopped === undefined ? [] : [`Stopped: ${stopped}. Mend it, and say the same again.`]),
  ];
  return { ok, json, text: text.map(printable).join("\n") };
}

function trouble(lost: readonly Lost[], refused: readonly Refused[], notes: readonly string[]): string[] {
  return [
    ...some(lost, lostText),
    ...some(refused, ({ name, why }) => `not replayed: ${name}: ${why}`),
    ...some(notes, (note) => note),
  ].map(printable);
}

function lostText({ shardId, from, to, arrivedFrom, arrivedTo, records, object }: Lost): string {
  const what = records === undefined ? "records, if there were any," : counted(records, "record");
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

const inWords = (ms: number): string => duration(ms / 1_000);

function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
