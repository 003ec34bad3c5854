import type { Tag, UserRecord } from "./aggregate.ts";
import { LABEL_NAME, type Labels, LABELS_MAX, isLabelValue } from "./labels.ts";
import { gapBytes, rangeBytes, sourceBytes } from "./commit-bytes.ts";
import {
  HOST_MAX_BYTES,
  PATH_MAX_CHARS,
  PROVENANCE_MAX_BYTES,
  PROVENANCE_MAX_SOURCE_BYTES,
} from "./limits.ts";
import { WireError } from "./wire-error.ts";

/**
 * Provenance says which bytes of which file a user record holds. It rides in the protobuf tags of
 * the first record of each run; the records after it carry none.
 *
 * run  := head { record without tags }
 * head := "@"  source ":" offset            where the record's bytes begin
 *         [ "h" host  "p" path { "l" name "=" value } ]
 *                                           the first time this source appears in the aggregate; labels of the host
 *         [ "+" extent ]                    source bytes it stands for, when not data.length + 1
 *         { "-" from ":" reason ":" lines [ ":" source ] }
 *                                           bytes from..offset are not here on purpose; where two gaps meet, the
 *                                           first ends where the second begins
 *
 * A gap of reason earlier-identity names the source that its bytes were delivered as: the agent's state has come to
 * another machine, and the source goes on under this id. It may be followed by a gap of another reason; no other gap is.
 *
 * offset of the next record = offset + extent, where extent is data.length + 1 unless stated: the
 * line and its line feed. A record that breaks that sum states its own offset and extent. An
 * aggregate whose first record has no "@" comes from another producer and has no provenance.
 *
 * Every record stands for at least a byte, and a gap has no more lines than bytes. What an aggregate says of
 * sources has limits, too (limits.ts): whoever writes to the stream could otherwise make commits of any size,
 * and sums that no number holds.
 */
const TAG = { at: "@", host: "h", path: "p", label: "l", extent: "+", gap: "-" } as const;

/** Why source bytes were left out on purpose. */
export const GAP_REASONS = [
  "filtered",
  "sampled",
  "too-long",
  "overflow",
  "unreadable",
  "skipped",
  "earlier-identity",
] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Source bytes from `from` up to the offset of the record that states the gap. */
export interface Gap {
  readonly from: number;
  readonly reason: GapReason;
  /** Whole lines in the gap; 0 where only a part of a line was left out, or another source has counted them. */
  readonly lines: number;
  /** Id of the source that the bytes were delivered as, where the reason is earlier-identity. */
  readonly source?: string | undefined;
  /** Of earlier-identity, ending where this one begins. */
  readonly before?: Gap | undefined;
}

/** A gap with its end. */
export interface ClosedGap extends Omit<Gap, "before"> {
  readonly to: number;
}

const NO_GAPS: readonly ClosedGap[] = [];

/** The gaps that a record at `offset` states, in their order. */
export function gapsBefore(offset: number, gap: Gap | undefined): readonly ClosedGap[] {
  // Almost every record states none.
  if (gap === undefined) return NO_GAPS;
  const { before, source, ...rest } = gap;
  const closed = { ...rest, to: offset, ...(source === undefined ? {} : { source }) };
  return [...gapsBefore(gap.from, before), closed];
}

/** What no source has of the bytes in gaps: those of an earlier identity were delivered. */
export function leftOutIn(gaps: readonly ClosedGap[]): { readonly bytes: number; readonly lines: number } {
  let [bytes, lines] = [0, 0];
  for (const gap of gaps) {
    if (gap.reason === "earlier-identity") continue;
    bytes += gap.to - gap.from;
    lines += gap.lines;
  }
  return { bytes, lines };
}

/** One generation of one byte stream on one host. */
export interface Source {
  /** Short id, unique across hosts: [A-Za-z0-9_-]+ */
  readonly id: string;
  readonly host: string;
  readonly path: string;
  /** Labels of the host; absent where its agent states none. */
  readonly labels?: Labels;
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

/** What the records of one aggregate add to a commit, counted alike by who writes and who reads it. */
class Stated {
  readonly #ids = new Set<string>();
  #source: string | undefined;
  #next = 0;
  #bytes = 0;

  has({ id }: Source): boolean {
    return this.#ids.has(id);
  }

  /** True where the record before ends, in the same source: then it adds nothing. */
  goesOn({ source, offset, gap }: Position): boolean {
    return !gap && source.id === this.#source && offset === this.#next;
  }

  hasRoomFor(position: Position): boolean {
    return this.goesOn(position) || this.#bytes + this.#bytesOf(position) <= PROVENANCE_MAX_BYTES;
  }

  add(position: Position): void {
    if (!this.goesOn(position)) {
      this.#bytes += this.#bytesOf(position);
      this.#source = position.source.id;
      this.#ids.add(this.#source);
    }
    this.#next = position.offset + position.extent;
  }

  #bytesOf({ source, offset, extent, gap }: Position): number {
    const gaps = gapsBefore(offset, gap).reduce((sum, gap) => sum + gapBytes(gap), 0);
    const bytes = rangeBytes(offset + extent) + gaps;
    return this.#ids.has(source.id) ? bytes : bytes + sourceBytes(source);
  }
}

/** Writes the tags of one aggregate's records, in order. Make a new one for each aggregate. */
export class ProvenanceWriter {
  readonly #stated = new Stated();
  readonly #labels: readonly Tag[];

  /** @param labels of the host of all sources */
  constructor(labels: Labels = {}) {
    this.#labels = Object.entries(labels).map(([name, value]) => ({
      key: TAG.label,
      value: `${name}=${value}`,
    }));
  }

  /** Tags for a record; changes nothing, so a record that does not fit can be offered again. */
  tags(position: Position, dataBytes: number): readonly Tag[] {
    const { source, offset, extent, gap } = position;
    const regular = extent === dataBytes + 1;
    if (regular && this.#stated.goesOn(position)) return NO_TAGS;
    const tags: Tag[] = [{ key: TAG.at, value: `${source.id}:${offset}` }];
    if (!this.#stated.has(source)) {
      tags.push(
        { key: TAG.host, value: source.host },
        { key: TAG.path, value: source.path },
        ...this.#labels,
      );
    }
    if (!regular) tags.push({ key: TAG.extent, value: `${extent}` });
    for (const { from, reason, lines, source } of gapsBefore(offset, gap)) {
      const earlier = source === undefined ? "" : `:${source}`;
      tags.push({ key: TAG.gap, value: `${from}:${reason}:${lines}${earlier}` });
    }
    return tags;
  }

  /** False when an aggregate that holds records must be closed first: readers would refuse all of it. */
  hasRoomFor(position: Position): boolean {
    return this.#stated.hasRoomFor(position);
  }

  /** Call once the record is in the aggregate. */
  wrote(position: Position): void {
    this.#stated.add(position);
  }
}

/** Reads the tags of one aggregate's records, in order. Make a new one for each aggregate. */
export class ProvenanceReader {
  readonly #sources = new Map<string, Source>();
  readonly #stated = new Stated();
  #source: Source | undefined;
  #next = 0;
  #sourceBytes = 0;

  /**
   * @returns where the record stands, undefined when its producer does not say
   * @throws WireError PROVENANCE when a tag breaks the grammar above, TOO_MANY_PARTS past the limits
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

  /**
   * Records without tags, which go on where the one before them ends.
   *
   * @param starts where the data of each begins, with `ends`, from `from` to `to`
   * @throws WireError as `position`
   */
  goOn(starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const source = this.#source!;
    let extent = 0;
    for (let i = from; i < to; i++) extent += ends[i]! - starts[i]! + 1;
    const isWithin =
      Number.isSafeInteger(this.#next + extent) && this.#sourceBytes + extent <= PROVENANCE_MAX_SOURCE_BYTES;
    if (isWithin) {
      if (extent > 0) this.#advance(source, this.#next, extent, undefined);
      return;
    }
    // One of them is past a limit: which it is says the error.
    for (let i = from; i < to; i++) this.#advance(source, this.#next, ends[i]! - starts[i]! + 1, undefined);
  }

  #advance(source: Source, offset: number, extent: number, gap: Gap | undefined): Position {
    if (extent === 0)
      throw new WireError("PROVENANCE", `a record of source ${source.id} stands for no bytes`);
    const position = { source, offset, extent, gap };
    if (!this.#stated.hasRoomFor(position)) {
      const message = `more sources, ranges and gaps than ${PROVENANCE_MAX_BYTES} bytes of a commit hold`;
      throw new WireError("TOO_MANY_PARTS", message);
    }
    this.#stated.add(position);
    this.#source = source;
    this.#next = offset + extent;
    if (!Number.isSafeInteger(this.#next)) {
      throw new WireError("PROVENANCE", `source ${source.id} runs past 2^53 - 1 bytes`);
    }
    this.#sourceBytes += extent + leftOutIn(gapsBefore(offset, gap)).bytes;
    if (this.#sourceBytes > PROVENANCE_MAX_SOURCE_BYTES) {
      throw new WireError(
        "PROVENANCE",
        `stands for more than ${PROVENANCE_MAX_SOURCE_BYTES} bytes of its sources`,
      );
    }
    return position;
  }

  #identify(id: string, record: UserRecord): Source {
    let source = this.#sources.get(id);
    if (source === undefined) {
      const host = value(record, TAG.host);
      const path = value(record, TAG.path);
      if (host === undefined || path === undefined) {
        throw new WireError("PROVENANCE", `source ${id} appears without its host and path`);
      }
      checkName("host", host, isHostName(host));
      checkName("path", path, path.length <= PATH_MAX_CHARS && !path.includes("\0"));
      const labels = readLabels(record);
      source = { id, host, path, ...(labels && { labels }) };
      this.#sources.set(id, source);
    }
    return source;
  }
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/;

/** True for what `_host` takes. A row repeats it, so it has no characters that JSON writes at length. */
export function isHostName(host: string): boolean {
  return Buffer.byteLength(host) <= HOST_MAX_BYTES && !CONTROL.test(host);
}

function checkName(what: string, name: string, isGood: boolean): void {
  if (isGood) return;
  throw new WireError("PROVENANCE", `no ${what} of any system: ${JSON.stringify(name.slice(0, 80))}`);
}

/** @returns undefined where there are none */
function readLabels({ tags }: UserRecord): Labels | undefined {
  const stated = tags.filter(({ key }) => key === TAG.label);
  if (stated.length === 0) return undefined;
  if (stated.length > LABELS_MAX)
    throw new WireError("PROVENANCE", `more labels of a host than ${LABELS_MAX}`);
  const labels = stated.map(({ value: text = "" }): [string, string] => {
    const end = text.indexOf("=");
    const [name, value] = [text.slice(0, Math.max(0, end)), text.slice(end + 1)];
    checkName("label", text, LABEL_NAME.test(name) && isLabelValue(value));
    return [name, value];
  });
  return Object.fromEntries(labels);
}

function readGap(record: UserRecord, offset: number): Gap | undefined {
  const [first, second, third] = record.tags.filter(({ key }) => key === TAG.gap);
  if (first === undefined) return undefined;
  if (second === undefined) return parseGap(first.value ?? "", offset);
  const gap = parseGap(second.value ?? "", offset);
  const before = parseGap(first.value ?? "", gap.from);
  if (third !== undefined || before.reason !== "earlier-identity" || gap.reason === "earlier-identity")
    throw new WireError("PROVENANCE", "two gaps meet, and not after an earlier identity");
  return { ...gap, before };
}

function parseGap(text: string, to: number): Gap {
  const [from, reason, lines, source] = match(
    /^(\d{1,16}):([a-z-]{1,32}):(\d{1,16})(?::([\w-]{1,64}))?$/,
    TAG.gap,
    text,
  );
  const gap = {
    from: safeInteger(from!, TAG.gap),
    reason: reason as GapReason,
    lines: safeInteger(lines!, TAG.gap),
  };
  if (!GAP_REASONS.includes(gap.reason)) throw new WireError("PROVENANCE", `unknown gap reason "${reason}"`);
  if (gap.from > to) throw new WireError("PROVENANCE", `gap ${gap.from} begins after its end at ${to}`);
  if (gap.lines > to - gap.from)
    throw new WireError("PROVENANCE", `gap of ${to - gap.from} bytes with ${gap.lines} lines`);
  if (source === undefined) return gap;
  if (gap.reason !== "earlier-identity")
    throw new WireError("PROVENANCE", `a gap of reason "${reason}" names a source`);
  return { ...gap, source };
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
