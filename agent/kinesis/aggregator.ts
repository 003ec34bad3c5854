import { AggregateBuilder, writeDigests } from "../../wire/aggregate.ts";
import { hashKeyOf } from "../../wire/hash-key.ts";
import type { Labels } from "../../wire/labels.ts";
import { type Position, ProvenanceWriter, type Source } from "../../wire/provenance.ts";
import { inflatedMaxBytes } from "../../wire/limits.ts";
import { LANES } from "../../wire/simd.ts";
import type { Delivery } from "./delivery.ts";
import type { FramedRun } from "../framing/block.ts";
import type { Line, Run, Standing } from "../framing/line-framer.ts";
import { countedTag } from "./counted-tags.ts";
import { BufferPool } from "./buffer-pool.ts";
import { FrameCompressor } from "./frame-compressor.ts";
import type { OutgoingRecord } from "./outgoing-record.ts";

/** Kept for the next aggregates: as many as are on their way where Kinesis keeps up. */
const IDLE_BYTES = 5 * 2 ** 20;

/** Where lines come from, and what to tell once they are delivered. */
export interface Origin {
  readonly source: Source;
  readonly tag: string;
  readonly delivery: Delivery;
}

export interface AggregatorOptions {
  /** Of an aggregate before compression; a lone line may exceed it. */
  readonly maxBytes: number;
  /** Longest wait of a line for others. */
  readonly lingerMs: number;
  /** Bytes of lines that are sealed together, for one request. Left out: no record waits for others. */
  readonly gatherBytes?: number;
  readonly compression: "none" | "zstd";
  /** "source": an aggregate holds one source, which decides its shard. */
  readonly ordering: "none" | "source";
  /** Labels of the host, stated with every source. */
  readonly labels?: Labels;
  readonly shards: { choose(bytes: number): { readonly explicitHashKey: string } };
  readonly seal: (record: OutgoingRecord) => void;
}

export interface SentCounts {
  readonly lines: number;
  /** Of the sources, line feeds included. */
  readonly bytes: number;
  /** Records that held some of them. */
  readonly records: number;
}

/** What the aggregate under construction holds of one source. */
interface OpenSpan {
  end: number;
  standing: Standing;
  lines: number;
  bytes: number;
}

/**
 * Packs lines into aggregates, each closed by its size or by its age. Those that are full in less than the
 * linger are hashed four at a time, and sealed together: a request costs as much as a megabyte in it does.
 */
export class Aggregator {
  readonly #options: AggregatorOptions;
  readonly #builder: AggregateBuilder;
  readonly #buffers: BufferPool;
  readonly #compressor: FrameCompressor | undefined;
  #provenance: ProvenanceWriter;
  #spans = new Map<Origin, OpenSpan>();
  /** Closed, and waiting for others to be hashed with. */
  readonly #closed: OutgoingRecord[] = [];
  readonly #sent = new Map<string, SentCounts>();
  #linger: NodeJS.Timeout | undefined;
  #sealed = 0;
  #compressed = Promise.resolve();
  /** Finished, and waiting for others to be sent with. */
  readonly #gathered: OutgoingRecord[] = [];
  /** Bytes of lines that were closed since records were last sealed. */
  #gatheredBytes = 0;

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#provenance = new ProvenanceWriter(options.labels);
    this.#builder = new AggregateBuilder(options.maxBytes);
    this.#buffers = new BufferPool(IDLE_BYTES);
    const take = (bytes: number): Buffer => this.#buffers.take(bytes);
    this.#compressor = options.compression === "zstd" ? new FrameCompressor(take) : undefined;
  }

  /** What was acknowledged of each tag by this process, of the first thousand and of the others together. */
  get sent(): ReadonlyMap<string, SentCounts> {
    return this.#sent;
  }

  /** @returns how many lines there were */
  pack({ origin, bytes, run, isEvent }: FramedRun<Origin>): number {
    if (!isEvent) return this.addLines(origin, bytes, run);
    this.add(origin, bytes, run);
    return 1;
  }

  /** @param window that the line's start and end count in; it is copied from */
  add(origin: Origin, window: Buffer, line: Line): void {
    this.#begin(origin);
    const { start, end } = line;
    const bytes = end - start;
    const position = { source: origin.source, ...line };
    this.#makeRoom(position);
    let tags = this.#provenance.tags(position, bytes);
    if (
      this.#builder.count > 0 &&
      this.#builder.byteLengthWith(origin.tag, bytes, tags) > this.#options.maxBytes
    ) {
      this.#close();
      tags = this.#provenance.tags(position, bytes);
    }
    this.#builder.addSlice(origin.tag, window, start, end, tags);
    this.#wrote(origin, line, 1);
  }

  /**
   * Adds every line of a run. What is kept of them is kept of all together.
   *
   * @returns how many there were
   */
  addLines(origin: Origin, window: Buffer, run: Run): number {
    this.#begin(origin);
    let added = 0;
    const { source, tag } = origin;
    for (let rest = run; rest.start <= run.end;) {
      const position = { source, ...rest };
      this.#makeRoom(position);
      const tags = this.#provenance.tags(position, rest.end - rest.start);
      const before = this.#builder.count;
      const { maxBytes } = this.#options;
      const next = this.#builder.addLines(tag, window, rest.start, rest.end, tags, maxBytes);
      const lines = this.#builder.count - before;
      const bytes = next - rest.start;
      added += lines;
      if (lines > 0) this.#wrote(origin, { ...rest, extent: next > rest.end ? rest.extent : bytes }, lines);
      if (next <= rest.end) this.#close();
      const left = { start: next, offset: rest.offset + bytes, extent: rest.extent - bytes };
      rest = { ...rest, ...left, gap: lines > 0 ? undefined : rest.gap };
    }
    return added;
  }

  #begin(origin: Origin): void {
    const isOther = this.#builder.count > 0 && !this.#spans.has(origin);
    if (isOther && this.#options.ordering === "source") this.#close();
  }

  /** Closes an aggregate that says as much of its sources as readers take. */
  #makeRoom(position: Position): void {
    if (this.#builder.count > 0 && !this.#provenance.hasRoomFor(position)) this.#close();
  }

  /** Keeps the books for consecutive lines of one source. */
  #wrote(origin: Origin, run: Run, lines: number): void {
    this.#provenance.wrote({ source: origin.source, ...run });
    let span = this.#spans.get(origin);
    if (span === undefined) {
      span = { end: 0, standing: "line", lines: 0, bytes: 0 };
      this.#spans.set(origin, span);
    }
    span.end = run.offset + run.extent;
    span.standing = run.standing;
    span.lines += lines;
    span.bytes += run.extent;
    this.#linger ??= setTimeout(() => this.flush(), this.#options.lingerMs);
  }

  /** Seals every line that was added; where records are compressed, a little later. */
  flush(): void {
    this.#close();
    this.#hash(true);
  }

  /** Resolves once nothing waits to be compressed. @throws what zlib fails with */
  get compressed(): Promise<void> {
    return this.#compressed;
  }

  /** Closes the aggregate under construction, if it holds anything. */
  #close(): void {
    if (this.#builder.count === 0) return;
    const { partitionKey, explicitHashKey, source } = this.#destination();
    const data = this.#builder.close(explicitHashKey, (bytes) => this.#buffers.take(bytes));
    const acknowledgements = Array.from(this.#spans, ([{ tag, delivery }, span]) => {
      const acknowledge = delivery.expect(resumeAfter(span));
      return () => {
        this.#count(tag, span);
        acknowledge();
      };
    });
    this.#spans = new Map();
    this.#provenance = new ProvenanceWriter(this.#options.labels);
    const acknowledge = () => {
      for (const acknowledge of acknowledgements) acknowledge();
    };
    this.#closed.push({ data, partitionKey, explicitHashKey, source, acknowledge });
    if (this.#closed.length === LANES) this.#hash(false);
  }

  /** @param isAll seals them, however few they are */
  #hash(isAll: boolean): void {
    const closed = this.#closed.splice(0);
    writeDigests(closed.map(({ data }) => data));
    for (const { data } of closed) this.#gatheredBytes += data.length;
    const compressor = this.#compressor;
    const isDue = isAll || this.#gatheredBytes >= (this.#options.gatherBytes ?? 0);
    if (isDue) {
      clearTimeout(this.#linger);
      this.#linger = undefined;
      this.#gatheredBytes = 0;
    }
    if (compressor) this.#compressed = this.#compressed.then(() => this.#compress(closed, compressor, isDue));
    else this.#gather(closed, isDue);
  }

  async #compress(
    closed: readonly OutgoingRecord[],
    compressor: FrameCompressor,
    isDue: boolean,
  ): Promise<void> {
    const records: OutgoingRecord[] = [];
    for (const record of closed) records.push(this.#smaller(record, await compressor.compress(record.data)));
    this.#gather(records, isDue);
  }

  #gather(records: readonly OutgoingRecord[], isDue: boolean): void {
    for (const record of records) this.#gathered.push(this.#reused(record));
    if (isDue) for (const record of this.#gathered.splice(0)) this.#options.seal(record);
  }

  /** What packs too well for readers to trust it stays as it is. */
  #smaller(record: OutgoingRecord, frame: Buffer): OutgoingRecord {
    const { data } = record;
    const isTrusted = data.length <= inflatedMaxBytes(frame.length);
    this.#buffers.give(isTrusted ? data : frame);
    return isTrusted ? { ...record, data: frame } : record;
  }

  /** Its buffer is used again once nobody needs it. */
  #reused(record: OutgoingRecord): OutgoingRecord {
    const { data, acknowledge } = record;
    const acknowledgeAndReuse = () => {
      acknowledge();
      this.#buffers.give(data);
    };
    return { ...record, acknowledge: acknowledgeAndReuse };
  }

  /** A mapping with a parallelization factor keeps the order of a partition key, and spreads different ones. */
  #destination(): Pick<OutgoingRecord, "partitionKey" | "explicitHashKey" | "source"> {
    const { ordering, shards } = this.#options;
    if (ordering === "none") {
      const partitionKey = (this.#sealed++).toString(36);
      const { explicitHashKey } = shards.choose(this.#builder.byteLength);
      return { partitionKey, explicitHashKey, source: undefined };
    }
    const [origin] = this.#spans.keys();
    const { id } = origin!.source;
    return { partitionKey: id, explicitHashKey: hashKeyOf(id), source: id };
  }

  /** Drops what is not sealed yet. */
  close(): void {
    clearTimeout(this.#linger);
    this.#compressed.catch(() => {});
    this.#compressor?.close();
  }

  #count(tag: string, { lines, bytes }: OpenSpan): void {
    const name = countedTag(this.#sent, tag);
    const counts = this.#sent.get(name) ?? { lines: 0, bytes: 0, records: 0 };
    const records = counts.records + 1;
    this.#sent.set(name, { lines: counts.lines + lines, bytes: counts.bytes + bytes, records });
  }
}

function resumeAfter({ end, standing }: OpenSpan) {
  const gap = standing === "cut" ? ({ from: end, reason: "too-long", lines: 0 } as const) : undefined;
  return { offset: end, standing, gap };
}
