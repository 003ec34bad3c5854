import { crc32 } from "node:zlib";
import { fileLine, type Line } from "../file-line.ts";
import type { RoutedType } from "../log-types.ts";
import type { RowMetadata } from "../row-metadata.ts";
import type { Run } from "../run.ts";
import type { TypeBatch } from "../type-batch.ts";
import { PlainLines } from "./plain-lines.ts";
import type { RowMachine } from "./row-machine.ts";
import type { RowProgram } from "./row-program.ts";

/** A run, and what its rows are made of besides its lines. */
interface RunLines {
  readonly run: Run;
  /** Offsets of the lines in their source. */
  readonly offsets: Float64Array;
  /** CRC-32 of each line: filled in here. */
  readonly crcs: Uint32Array;
  readonly metadata: RowMetadata;
}

/**
 * Makes rows of a run's lines: of many at a time by the machine, and by `fileLine` of each that the machine leaves. The
 * same lines give the same rows without a machine.
 */
export function fileRun(
  batch: TypeBatch,
  type: RoutedType,
  lines: RunLines,
  machine: RowMachine,
  program: RowProgram,
): void {
  const { run, offsets, crcs } = lines;
  const plain = new PlainLines(machine, program, batch, lines.metadata);
  for (let at = 0; at < run.length;) {
    const end = machine.takeIn(run.records, run.from + at, run.to, crcs.subarray(at)) - run.from;
    if (end === at) {
      crcs[at] = crc32(run.records.at(run.from + at).data);
      fileLine(batch, type, lineOf(lines, at++));
      continue;
    }
    for (let i = at; i < end; i++) {
      i = at + plain.write(i - at, end - at, offsets[i]!);
      if (i < end) fileLine(batch, type, lineOf(lines, i));
    }
    at = end;
  }
}

function lineOf({ run, offsets, crcs, metadata }: RunLines, i: number): Line {
  const { data } = run.records.at(run.from + i);
  const { path, labels } = run.source;
  const [offset, crc, tag] = [offsets[i]!, crcs[i]!, run.tag];
  return { data, crc, metadata, offset, foreign: false, tag, partitionKey: tag, path, labels };
}
