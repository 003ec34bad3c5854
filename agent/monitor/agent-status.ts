import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { LastRefusal } from "../push/forward/forward-counts.ts";
import type { PushedVitals } from "../push/pushed-input.ts";
import type { Vitals } from "./vitals.ts";
import type { WatchedSource } from "./watched-source.ts";

interface TagStatus {
  readonly messages: number;
  readonly bytes: number;
  /** Records that held lines of the tag. */
  readonly sents: number;
}

export interface FileStatus {
  /** Id of the source; null where there is none. */
  readonly source: string | null;
  readonly tag: string;
  /** Bytes read, and bytes acknowledged by Kinesis. -1: there is no such file, or there was. */
  readonly position: number;
  readonly delivered: number;
  readonly size: number;
  readonly error: string;
  /** Why it is looked at again and again; null where the kernel tells of changes. */
  readonly polled: string | null;
  /** Bytes a second, while it waits for nothing but its limit. */
  readonly limited: number | null;
}

interface ServerStatus {
  /** Name of the stream. */
  readonly address: string;
  readonly alive: boolean;
  readonly error: string;
}

/** Of the forward input. There is no limit in messages: the spool has one in bytes. */
interface ReceiverStatus {
  readonly address: string;
  readonly total_connections: number;
  readonly current_connections: number;
  readonly messages: number;
  readonly disposed: number;
  /** Events that are not read from the spool yet. */
  readonly buffered: number;
  readonly max_buffer_messages: null;
  /** Connections that were turned away or ended by us, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Why the last one was; null where none was. */
  readonly last_refusal: string | null;
  /** Entries that were no events, and are stored as they came. */
  readonly malformed: number;
}

/** Of pushed events, by whatever input they came. */
interface SpoolStatus {
  readonly bytes: number;
  readonly max_bytes: number;
  readonly connections: number;
}

/**
 * Answer of `GET /`, in the shape of fluent-agent-hydra's, whose watchers go on working. `sent` counts
 * the lines that Kinesis has acknowledged since the start.
 */
export interface AgentStatus {
  readonly sent: Readonly<Record<string, TagStatus>>;
  /** By the path a file has now; of those that had it last, the one that is there. */
  readonly files: Readonly<Record<string, FileStatus>>;
  readonly servers: readonly ServerStatus[];
  readonly receiver: ReceiverStatus | null;
  readonly spool: SpoolStatus | null;
}

export function agentStatus(vitals: Vitals): AgentStatus {
  const { sent, files, missing, stream, openShards, putFailure } = vitals;
  const byTag: Record<string, TagStatus> = {};
  for (const [tag, { lines, bytes, records }] of sent) {
    if (tag !== HEARTBEAT_TYPE) byTag[tag] = { messages: lines, bytes, sents: records };
  }
  const byPath: Record<string, FileStatus> = {};
  for (const { tag, path } of missing) byPath[path] = { tag, ...MISSING };
  for (const file of shownByPath(files).values()) byPath[file.location] = fileStatus(file);
  const error = putFailure ?? (openShards === 0 ? "its shards are not known yet" : "");
  return {
    sent: byTag,
    files: byPath,
    servers: [{ address: stream, alive: error === "", error }],
    receiver: receiverStatus(vitals.pushed),
    spool: spoolStatus(vitals.pushed),
  };
}

/** One file of each path. Where a rotation was undone, or a file deleted, others had it last that are gone. */
function shownByPath(files: readonly WatchedSource[]): Map<string, WatchedSource> {
  const shown = new Map<string, WatchedSource>();
  for (const file of files) {
    const other = shown.get(file.location);
    if (other === undefined || presence(file) >= presence(other)) shown.set(file.location, file);
  }
  return shown;
}

/** How sure it is that one is there that nobody has missed: what has ended is seldom looked for. */
const PRESENCE = { active: 3, rotated: 2, ended: 1, lost: 0 };

function presence({ phase, goneAtMs, isUnlinked = false }: WatchedSource): number {
  return goneAtMs !== undefined || isUnlinked ? 0 : PRESENCE[phase];
}

const MISSING = {
  source: null,
  position: -1,
  delivered: 0,
  size: 0,
  error: "there is no such file",
  polled: null,
  limited: null,
};

function fileStatus(file: WatchedSource): FileStatus {
  const { tag, phase, delivery, read, size, error = "", whyPolled = null, limitedTo = null } = file;
  const source = file.source.id;
  const position = phase === "lost" ? -1 : read;
  const delivered = delivery.resume.offset;
  return { source, tag, position, delivered, size, error, polled: whyPolled, limited: limitedTo };
}

function receiverStatus(pushed: PushedVitals | undefined): ReceiverStatus | null {
  const { forward, forwardAddress: address, spool, reader } = pushed ?? {};
  if (forward === undefined || address === undefined || spool === undefined) return null;
  return {
    address,
    total_connections: forward.connections,
    current_connections: forward.open,
    messages: forward.events,
    disposed: spool.counts.dropped.lines + reader!.overtaken.lines,
    buffered: Math.max(0, spool.lines - reader!.lines),
    max_buffer_messages: null,
    refused: Object.fromEntries(Object.entries(forward.refusedBy).filter(([, count]) => count > 0)),
    last_refusal: refusalText(forward.lastRefusal),
    malformed: forward.malformed,
  };
}

function refusalText(last: LastRefusal | undefined): string | null {
  return last ? `${new Date(last.atMs).toISOString()} ${last.peer}: ${last.refusal}: ${last.reason}` : null;
}

function spoolStatus(pushed: PushedVitals | undefined): SpoolStatus | null {
  if (pushed === undefined) return null;
  const open = Array.from(pushed.lines.values(), ({ open }) => open);
  return {
    bytes: pushed.spool.bytes,
    max_bytes: pushed.limits.max_bytes,
    connections: open.reduce((sum, count) => sum + count, pushed.forward?.open ?? 0),
  };
}
