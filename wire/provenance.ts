import type { Tag, UserRecord } from "./aggregate.ts";
import { WireError } from "./wire-error.ts";

/**
 * Provenance says which bytes of which file a user record holds. It rides in the protobuf tags of
 * the first record of each run; the records after it carry none.
 *
 * run  := head { record without tags }
 * head := "@"  source ":" offset            where the record's bytes begin
 *         [ "h" host  "p" path ]            the first time this source appears in the aggregate
 *         [ "+" extent ]                    source bytes it stands for, when not data.length + 1
 *         [ "-" from ":" reason ":" lines ] bytes from..offset were left out on purpose
 *
 * offset of the next record = offset + extent, where extent is data.length + 1 unless stated: the
 * line and its line feed. A record that breaks that sum states its own offset and extent. An
 * aggregate whose first record has no "@" comes from another producer and has no provenance.
 */
const TAG = { at: "@", host: "h", path: "p", extent: "+", gap: "-" } as const;

/** Why source bytes were left out on purpose. */
export const GAP_REASONS = ["filtered", "sampled", "too-long", "overflow", "unreadable", "skipped"] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Source bytes from `from` up to the offset of the record that states the gap. */
export interface Gap {
  readonly from: number;
  readonly reason: GapReason;
  /** Whole lines in the gap; 0 where only a part of a line was left out. */
  readonly lines: number;
}

/** One generation of one byte stream on one host. */
export interface Source {
  /** Short id, unique across hosts: [A-Za-z0-9_-]+ */
  readonly id: string;
  readonly host: string;
  readonly path: string;
}

/** Where a user record's bytes stand. */
export interface Position {
  readonly source: Source;
  readonly offset: number;
  /** Source bytes the record stands for, its line feed included. */
  readonly extent: number;
  readonly gap: Gap | undefined;
}

const NO_TAGS: readonly Tag[] = [];

/** Writes the tags of one aggregate's records, in order. Make a new one for each aggregate. */
export class ProvenanceWriter {
  readonly #stated = new Set<string>();
  #source: string | undefined;
  #next = 0;

  /** Tags for a record; changes nothing, so a record that does not fit can be offered again. */
  tags(position: Position, dataBytes: number): readonly Tag[] {
    const { source, offset, extent, gap } = position;
    const regular = extent === dataBytes + 1;
    if (regular && !gap && source.id === this.#source && offset === this.#next) return NO_TAGS;
    const tags: Tag[] = [{ key: TAG.at, value: `${source.id}:${offset}` }];
    if (!this.#stated.has(source.id)) {
      tags.push({ key: TAG.host, value: source.host }, { key: TAG.path, value: source.path });
    }
    if (!regular) tags.push({ key: TAG.extent, value: `${extent}` });
    if (gap) tags.push({ key: TAG.gap, value: `${gap.from}:${gap.reason}:${gap.lines}` });
    return tags;
  }

  /** Call once the record is in the aggregate. */
  wrote(position: Position): void {
    this.#source = position.source.id;
    this.#next = position.offset + position.extent;
    this.#stated.add(position.source.id);
  }
}

/** Reads the tags of one aggregate's records, in order. Make a new one for each aggregate. */
export class ProvenanceReader {
  readonly #sources = new Map<string, Source>();
  #source: Source | undefined;
  #next = 0;

  /**
   * @returns where the record stands, undefined when its producer does not say
   * @throws WireError PROVENANCE when a tag breaks the grammar above
   */
  position(record: UserRecord): Position | undefined {
    const at = value(record, TAG.at);
    if (at === undefined) {
      if (this.#source === undefined) return undefined;
      return this.#advance(this.#source, this.#next, record.data.length + 1, undefined);
    }
    const [id, offsetText] = match(/^([\w-]{1,64}):(\d{1,16})$/, TAG.at, at);
    const offset = safeInteger(offsetText!, TAG.at);
    const extent = value(record, TAG.extent);
    const bytes = extent === undefined ? record.data.length + 1 : safeInteger(extent, TAG.extent);
    return this.#advance(this.#identify(id!, record), offset, bytes, readGap(record, offset));
  }

  #advance(source: Source, offset: number, extent: number, gap: Gap | undefined): Position {
    this.#source = source;
    this.#next = offset + extent;
    if (!Number.isSafeInteger(this.#next)) {
      throw new WireError("PROVENANCE", `source ${source.id} runs past 2^53 - 1 bytes`);
    }
    return { source, offset, extent, gap };
  }

  #identify(id: string, record: UserRecord): Source {
    let source = this.#sources.get(id);
    if (source === undefined) {
      const host = value(record, TAG.host);
      const path = value(record, TAG.path);
      if (host === undefined || path === undefined) {
        throw new WireError("PROVENANCE", `source ${id} appears without its host and path`);
      }
      source = { id, host, path };
      this.#sources.set(id, source);
    }
    return source;
  }
}

function readGap(record: UserRecord, offset: number): Gap | undefined {
  const text = value(record, TAG.gap);
  if (text === undefined) return undefined;
  const [from, reason, lines] = match(/^(\d{1,16}):([a-z-]{1,32}):(\d{1,16})$/, TAG.gap, text);
  const gap = {
    from: safeInteger(from!, TAG.gap),
    reason: reason as GapReason,
    lines: safeInteger(lines!, TAG.gap),
  };
  if (!GAP_REASONS.includes(gap.reason)) throw new WireError("PROVENANCE", `unknown gap reason "${reason}"`);
  if (gap.from > offset)
    throw new WireError("PROVENANCE", `gap ${gap.from} begins after its record at ${offset}`);
  return gap;
}

function value(record: UserRecord, key: string): string | undefined {
  for (const tag of record.tags) if (tag.key === key) return tag.value ?? "";
  return undefined;
}

function match(grammar: RegExp, key: string, text: string): string[] {
  const groups = grammar.exec(text);
  if (!groups) throw new WireError("PROVENANCE", `tag "${key}" reads "${text.slice(0, 80)}"`);
  return groups.slice(1);
}

function safeInteger(text: string, key: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number))
    throw new WireError("PROVENANCE", `tag "${key}" reads "${text.slice(0, 80)}"`);
  return number;
}
