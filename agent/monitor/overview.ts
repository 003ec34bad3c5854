import { health, type Health } from "./health.ts";
import { type History, type HistoryPart, SAMPLE_EVERY_MS } from "./history.ts";
import { undeliveredBytes } from "./pace.ts";
import { oldestAgeSeconds, waitingBytes } from "./spool-age.ts";
import type { PushedVitals } from "../push/pushed-input.ts";
import type { Vitals } from "./vitals.ts";
import type { WatchedSource } from "./watched-source.ts";
import { worstFirst } from "./worst-first.ts";

/** Rows that a page gets at once; whoever looks for another one asks for its name. */
const MAX_FILES = 100;
const MAX_SHARDS = 100;
const MAX_MISSING = 20;

interface FileRow {
  readonly path: string;
  /** Where it was before it was renamed. */
  readonly movedFrom: string | undefined;
  readonly tag: string;
  readonly phase: WatchedSource["phase"];
  readonly size: number;
  readonly read: number;
  readonly delivered: number;
  readonly lagBytes: number;
  readonly lagSeconds: number;
  readonly bytesPerSecond: number;
  /** How often a file left this path while the agent watched. */
  readonly rotations: number;
  readonly error: string | undefined;
  /** Bytes a second, while it waits for nothing but its limit. */
  readonly limitedTo: number | undefined;
}

interface InputRow {
  readonly name: string;
  readonly open: number;
  readonly connections: number;
  readonly refused: number;
  readonly events: number;
  readonly bytes: number;
}

/** What the status page shows. */
export interface Overview {
  readonly atMs: number;
  readonly everyMs: number;
  readonly host: string;
  readonly agent: Vitals["agent"];
  readonly stream: string;
  readonly health: Health;
  readonly totals: Readonly<Record<string, number>>;
  readonly files: { readonly matching: number; readonly rows: readonly FileRow[] };
  readonly missing: Vitals["missing"];
  readonly shards: { readonly open: number; readonly rows: readonly object[] };
  readonly buffer: { readonly bytes: number; readonly maxBytes: number };
  readonly spool: object | undefined;
  readonly inputs: readonly InputRow[];
  readonly history: HistoryPart;
}

/**
 * @param search shows only files in whose path or tag this is found
 * @param sinceMs leaves out what the page has of the history already
 */
export function overview(
  vitals: Vitals,
  history: History,
  { search, sinceMs }: { readonly search: string; readonly sinceMs: number },
  nowMs: number,
): Overview {
  const { agent, host, stream, files, missing, bufferedBytes, maxBufferedBytes } = vitals;
  return {
    atMs: nowMs,
    everyMs: SAMPLE_EVERY_MS,
    host,
    agent,
    stream,
    health: health("progressing", vitals, nowMs),
    totals: totals(vitals, nowMs),
    files: fileRows(
      files.filter((file) => matches(file, search.toLowerCase())),
      vitals,
    ),
    missing: missing.slice(0, MAX_MISSING),
    shards: shardRows(vitals),
    buffer: { bytes: bufferedBytes, maxBytes: maxBufferedBytes },
    spool: vitals.pushed && spoolOf(vitals.pushed),
    inputs: vitals.pushed ? inputRows(vitals.pushed) : [],
    history: history.since(sinceMs),
  };
}

function totals(
  { files, missing, waitingFiles, tail, pace, checkpoint }: Vitals,
  nowMs: number,
): Overview["totals"] {
  return {
    files: files.length,
    open: files.filter(({ isOpen }) => isOpen).length,
    failing: files.filter(({ error }) => error !== undefined).length,
    missing: missing.length,
    waiting: waitingFiles,
    ...tail,
    undeliveredBytes: files.reduce((sum, file) => sum + undeliveredBytes(file), 0),
    lagSeconds: pace.mostLagMs(files) / 1_000,
    bytesPerSecond: files.reduce((sum, file) => sum + pace.bytesPerSecond(file), 0),
    checkpointAgeSeconds: Math.max(0, nowMs - checkpoint.savedAtMs) / 1_000,
  };
}

function matches({ location, source, tag, error = "" }: WatchedSource, search: string): boolean {
  return [location, source.path, tag, error].some((text) => text.toLowerCase().includes(search));
}

function fileRows(files: readonly WatchedSource[], { pace }: Vitals): Overview["files"] {
  const rows = worstFirst(files, pace)
    .slice(0, MAX_FILES)
    .map((file) => ({
      path: file.location,
      movedFrom: file.location === file.source.path ? undefined : file.source.path,
      tag: file.tag,
      phase: file.phase,
      size: file.size,
      read: file.read,
      delivered: file.delivery.resume.offset,
      lagBytes: undeliveredBytes(file),
      lagSeconds: pace.lagMs(file) / 1_000,
      bytesPerSecond: pace.bytesPerSecond(file),
      rotations: pace.rotations(file.source.path),
      error: file.error,
      limitedTo: file.limitedTo,
    }));
  return { matching: files.length, rows };
}

function shardRows({ shards, openShards }: Vitals): Overview["shards"] {
  const rows = Array.from(shards, ([shard, counts]) => ({ shard, ...counts }));
  rows.sort((a, b) => b.throttled - a.throttled || b.retries - a.retries || b.bytes - a.bytes);
  return { open: openShards, rows: rows.slice(0, MAX_SHARDS) };
}

function spoolOf({ spool, reader, limits }: PushedVitals): object {
  const { counts, bytes, error } = spool;
  return {
    bytes,
    waitingBytes: waitingBytes(spool, reader),
    maxBytes: limits.max_bytes,
    overflow: limits.overflow,
    oldestAgeSeconds: oldestAgeSeconds(spool, reader),
    droppedLines: counts.dropped.lines + reader.overtaken.lines,
    error,
  };
}

function inputRows({ forward, forwardAddress, lines }: PushedVitals): InputRow[] {
  const rows = Array.from(lines, ([name, counts]) => inputRow(name, counts, counts.lines));
  return forward ? [inputRow(`forward ${forwardAddress}`, forward, forward.events), ...rows] : rows;
}

function inputRow(name: string, counts: Omit<InputRow, "name" | "events">, events: number): InputRow {
  const { open, connections, refused, bytes } = counts;
  return { name, open, connections, refused, events, bytes };
}
