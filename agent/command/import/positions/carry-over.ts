import { basename } from "node:path";
import { systemReason } from "../../../agent-error.ts";
import type { AgentState } from "../../../progress/checkpoint-schema.ts";
import type { Copy } from "../../../tail/files/copies.ts";
import { identityKey, sourceId } from "../../../tail/disk/file-identity.ts";
import { type FileRecord, newRecord } from "../../../tail/files/file-record.ts";
import type { FileRule } from "../../../tail/files/file-rule.ts";
import { LAST_BYTES, lastBytesAfter } from "../../../tail/fingerprint/last-bytes.ts";
import { firstLine, headFingerprint, readHead } from "../../../tail/fingerprint/head-fingerprint.ts";
import type { ReadableFile } from "../../../tail/disk/open-file.ts";
import { copiedNames } from "../../../tail/disk/rotated-name.ts";
import {
  directoriesIn,
  findRotations,
  type Listing,
  lookForRotations,
  namesIn,
} from "../../../tail/discovery/rotation-search.ts";
import { type FileStat, statFile } from "../../../tail/disk/file-stat.ts";
import type { FilePosition } from "../../../tail/files/tail-state.ts";
import { formatOf } from "../../../tail/disk/unpack.ts";
import type { ForeignPosition } from "./foreign-position.ts";
import type { Generation } from "./generation.ts";
import { lineStart } from "./line-start.ts";
import { originalOf, type Place, placePositions } from "./place-positions.ts";

/** Stands where a checkpoint names the source that a file's bytes were read of. */
const OTHER_AGENT = "another-agent";

export interface CarryOverOptions {
  readonly rules: readonly FileRule[];
  readonly host: string;
  /** Salt of the machine, in ids: see `sourceId`. */
  readonly salt: string | undefined;
  readonly nowMs: number;
}

/** A file, and from which byte on it will be read. */
export interface CarriedFile {
  readonly path: string;
  readonly tag: string;
  readonly offset: number;
  readonly size: number;
  readonly note: string | undefined;
}

export interface CarriedOver {
  readonly state: Pick<AgentState, "rules" | "files" | "copies">;
  readonly files: readonly CarriedFile[];
  /** Rotated before, and left alone. */
  readonly earlier: readonly string[];
  /** Files that entries take and no position is known of: they are read from their beginning. */
  readonly unknown: readonly { readonly path: string; readonly size: number }[];
  readonly notes: readonly string[];
}

/** Makes the state from which an agent goes on where another one has ended. */
export async function carryOver(
  positions: readonly ForeignPosition[],
  options: CarryOverOptions,
): Promise<CarriedOver> {
  const { rules } = options;
  const listing = listedOnce();
  const notes: string[] = [];
  const carried = new Map<string, { readonly position: FilePosition; readonly told: CarriedFile }>();
  const earlier = new Map<string, Generation>();
  const ruleOf = (path: string) => rules.find((rule) => rule.takes(path));
  const takes = (path: string) => ruleOf(path) !== undefined;
  const byPath = Map.groupBy(positions, ({ path }) => originalOf(path, takes));
  for (const [path, group] of byPath) {
    const rule = ruleOf(path);
    if (rule === undefined) {
      notes.push(`${path}: left out, no [[files]] entry takes it`);
      continue;
    }
    const isOwn = (other: string) => {
      const plain = other.slice(0, other.length - (formatOf(other)?.length ?? 0));
      return takes(plain) && !copiedNames(basename(plain)).includes(basename(path));
    };
    const of = { path, positions: group, lineFeed: rule.lineFeed, takes, isOwn };
    let found = await placePositions({ ...of, rotations: await lookForRotations(path, listing) });
    // Its name may have been shifted since the directory was listed.
    if (found.hasLost) found = await placePositions({ ...of, rotations: await findRotations(path) });
    notes.push(...found.notes);
    for (const place of found.places) {
      const key = identityKey(place.generation.fileStat.file);
      if (carried.has(key)) continue;
      try {
        carried.set(key, await take(place, path, rule, options));
      } catch (error) {
        notes.push(`${place.generation.path}: left out, it cannot be read: ${systemReason(error)}`);
      }
    }
    for (const one of found.earlier) earlier.set(identityKey(one.fileStat.file), one);
  }
  for (const key of carried.keys()) earlier.delete(key);
  return {
    state: {
      // What has come since is not to be left out because an entry says start_at = "end".
      rules: rules.map(({ key }) => key),
      files: Array.from(carried.values(), ({ position }) => position),
      copies: Array.from(earlier.values(), asCopy),
    },
    files: Array.from(carried.values(), ({ told }) => told),
    earlier: Array.from(earlier.values(), ({ path }) => path),
    unknown: await unknownFiles(rules, (key) => carried.has(key) || earlier.has(key)),
    notes,
  };
}

/** Thousands of files may be in one directory. */
function listedOnce(): Listing {
  return { names: once(namesIn), directories: once(directoriesIn) };
}

function once<T>(list: (directory: string) => Promise<T>): (directory: string) => Promise<T> {
  const listed = new Map<string, Promise<T>>();
  return (directory) => {
    const known = listed.get(directory) ?? list(directory);
    listed.set(directory, known);
    return known;
  };
}

/** @throws when it cannot be read, or may not be */
async function take(place: Place, original: string, rule: FileRule, options: CarryOverOptions) {
  const { generation, offset } = place;
  const { fileStat } = generation;
  const refusal = await (await rule.access.look()).refusalOf(fileStat, () => rule.paths());
  if (refusal) throw new Error(refusal.detail);
  const path = rule.takes(fileStat.path) && !generation.isCompressed ? fileStat.path : original;
  const unpacked = await generation.unpacked();
  const file = await generation.open();
  try {
    const start = await lineStart(file, offset, rule.lineFeed);
    const from = start ?? offset;
    const known = await recordOf(file, fileStat, path, rule, options);
    const record = { ...known, guard: await guardBefore(file, from), unpacked };
    const gap = from === 0 ? undefined : ({ from: 0, reason: "skipped", lines: 0 } as const);
    const position: FilePosition = { record, resume: { offset: from, standing: "line", gap } };
    const notes = [place.note, doubtOf(offset, start)].filter((note) => note !== undefined);
    const told = { path: fileStat.path, tag: record.tag, offset: from, size: await generation.size() };
    return { position, told: { ...told, note: notes.length > 0 ? notes.join("; ") : undefined } };
  } finally {
    await file.close();
  }
}

function doubtOf(offset: number, start: number | undefined): string | undefined {
  if (start === offset) return undefined;
  return start === undefined
    ? "its position is within a line of more than a megabyte, the rest of which is sent"
    : `its position ${offset} is within a line, so from that line's start`;
}

/** What tells it from others from now on: it may be rotated before the agent starts. */
async function recordOf(
  file: ReadableFile,
  fileStat: FileStat,
  path: string,
  rule: FileRule,
  { host, salt, nowMs }: CarryOverOptions,
): Promise<FileRecord> {
  const { tag, filter } = rule.readingOf(path);
  const head = await readHead(file);
  const record = { ...newRecord(fileStat, path, host, tag, 0, nowMs, salt), header: headFingerprint(head) };
  const first = firstLine(head, filter.framing.maxLineBytes);
  if (first === undefined) return record;
  const id = sourceId(host, fileStat.file, 0, first, nowMs, salt);
  return { ...record, source: { ...record.source, id }, isNamed: true };
}

async function guardBefore(file: ReadableFile, offset: number): Promise<FileRecord["guard"]> {
  if (offset === 0) return undefined;
  const bytes = Buffer.alloc(Math.min(LAST_BYTES, offset));
  const read = await file.readAt(bytes, offset - bytes.length);
  return lastBytesAfter(undefined, bytes.subarray(0, read), offset - bytes.length);
}

function asCopy({ fileStat: { file, size, mtimeNs } }: Generation): Copy {
  return { file, size, mtimeNs, of: OTHER_AGENT };
}

async function unknownFiles(rules: readonly FileRule[], isKnown: (key: string) => boolean) {
  const unknown = new Map<string, number>();
  for (const rule of rules) {
    for (const path of await rule.paths()) {
      const found = await statFile(path);
      if (found && !rule.isTooOld(found) && !isKnown(identityKey(found.file))) unknown.set(path, found.size);
    }
  }
  return Array.from(unknown, ([path, size]) => ({ path, size }));
}
