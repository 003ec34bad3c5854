import { crc32 } from "node:zlib";
import type { WeirConfig } from "../../wire/config.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import type { Position, Source } from "../../wire/provenance.ts";
import { DeliveredSources } from "./delivered-sources.ts";
import { copiesOf, fileLine, type Line } from "./file-line.ts";
import type { LogTypes, RoutedType } from "./log-types.ts";
import { Misfit } from "./misfit.ts";
import type { RowMachine } from "./rows/row-machine.ts";
import { fileRun } from "./rows/file-run.ts";
import { type Event, Run } from "./run.ts";
import { SKIPPED } from "./parse/skipped.ts";
import { Room } from "./room.ts";
import { RowMetadata } from "./row-metadata.ts";
import type { StreamRecord } from "./stream-record.ts";
import type { TypeBatch } from "./type-batch.ts";
import { type BatchLimits, TypeBatches } from "./type-batches.ts";

export type { BatchLimits } from "./type-batches.ts";

/** What a commit may say of sources; the rest of it names objects and types, which the configuration bounds. */
const SOURCES_MAX_BYTES = (COMMIT_MAX_BYTES * 3) / 4;

/** A batch while its records come in. */
export class Batch {
  readonly sources = new DeliveredSources(
    new Room("sources, ranges and gaps in a commit", SOURCES_MAX_BYTES),
  );
  userRecords = 0;
  readonly #types: TypeBatches;
  readonly #machine: RowMachine | undefined;

  /** @param machine that makes rows of plain lines */
  constructor(
    logTypes: LogTypes,
    foreign: WeirConfig["foreign"],
    limits: BatchLimits,
    machine: RowMachine | undefined,
  ) {
    this.#types = new TypeBatches(logTypes, foreign, limits);
    this.#machine = machine;
  }

  /** By name, so that the same batch always gives the same commit. */
  types(): TypeBatch[] {
    return this.#types.sorted();
  }

  /** Memory that rows and rejected lines take. */
  get bytes(): number {
    return this.#types.bytes;
  }

  /** Takes all events of one Kinesis record. @throws BatchFull */
  take(record: StreamRecord, parts: readonly (Event | Run)[]): void {
    const foreign = new RowMetadata(`${record.shardId}:${record.sequenceNumber}`, null, record.arrivedAt);
    let source: Source | undefined;
    let own = foreign;
    let events = 0;
    for (const part of parts) {
      const from = part instanceof Run ? part.source : part.position?.source;
      if (from && from !== source) {
        source = from;
        own = new RowMetadata(source.id, source.host, record.arrivedAt);
      }
      if (part instanceof Run) {
        this.#deliverRun(part, own);
        events += part.length;
      } else {
        const { position } = part;
        this.#deliver(part, position ? own : foreign, position?.offset ?? events);
        events++;
      }
    }
    this.userRecords += events;
  }

  /** Lines that may have come before, or that other types get too, are taken one by one. */
  #deliverRun(run: Run, metadata: RowMetadata): void {
    const { type, batch } = this.#types.of(run.tag, run.records.data, true);
    const machine = type?.copies.length === 0 ? this.#machine : undefined;
    if (!machine || !type?.writer.program || !this.sources.isNew(run, batch.name)) {
      for (const event of run) this.#deliver(event, metadata, event.position!.offset);
      return;
    }
    const offsets = run.offsets();
    const crcs = new Uint32Array(run.length);
    this.sources.deliverRun(run, batch.name, offsets, crcs);
    batch.counts.lines += run.length;
    batch.counts.bytes += run.extent;
    fileRun(batch, type, { run, offsets, crcs, metadata }, machine, type.writer.program);
  }

  #deliver({ record, position, unopened, isEmpty }: Event, metadata: RowMetadata, offset: number): void {
    const { partitionKey, data } = record;
    const { tag, type, batch } = this.#types.of(partitionKey, data, position !== undefined);
    const { counts } = batch;
    const crc = crc32(data);
    counts.lines++;
    counts.bytes += position?.extent ?? data.length;
    if (position) {
      const { duplicate, leftOut } = this.sources.deliver(position, batch.name, crc);
      counts.lines += leftOut.lines;
      counts.filtered += leftOut.lines;
      counts.bytes += leftOut.bytes;
      if (duplicate) {
        counts.duplicates++;
        return;
      }
    }
    const path = position?.source.path ?? null;
    const foreign = position === undefined;
    const labels = position?.source.labels;
    const line: Line = { data, crc, metadata, offset, foreign, tag, partitionKey, path, labels };
    const unparsed = unopened === undefined ? undefined : new Misfit("unparsed", unopened);
    const given = isEmpty ? SKIPPED : unparsed;
    fileLine(batch, type, line, given);
    if (!type || given) return;
    for (const to of copiesOf(type, line)) this.#copy(to, { ...line, copyOf: type.name }, position);
  }

  /** A line of another type's is one of this type's too, and is counted, left out and rejected by itself. */
  #copy(type: RoutedType, line: Line, position: Position | undefined): void {
    const batch = this.#types.named(type.name);
    batch.countCopy(position?.extent ?? line.data.length);
    if (position && !this.sources.copy(position, type.name, line.crc)) batch.counts.duplicates++;
    else fileLine(batch, type, line);
  }
}
