import { type BenchRow, rounded } from "./cpu-time.ts";

/** Something to be measured: one row, or those of programs that run at the same time. */
export interface Measurement {
  readonly rounds: number;
  readonly run: () => Promise<readonly ComparedRow[]>;
}

export interface ComparedRow extends BenchRow {
  /** Name of Fluent Bit's row that it is compared with. */
  readonly rival?: string | undefined;
}

/** The medians. Measurements take turns, so that a machine that grows slow meanwhile is slow for all. */
export async function inTurn(measurements: readonly Measurement[]): Promise<BenchRow[]> {
  const measured = new Map<string, ComparedRow[]>();
  for (let round = 0; measurements.some(({ rounds }) => round < rounds); round++) {
    for (const { run } of measurements.filter(({ rounds }) => round < rounds)) {
      for (const row of await run()) measured.set(row.name, [...(measured.get(row.name) ?? []), row]);
    }
  }
  const medians = new Map(Array.from(measured, ([name, rows]) => [name, medianRow(rows)]));
  return Array.from(medians.values(), ({ name, figures, rival }) => {
    const other = rival === undefined ? undefined : medians.get(rival);
    const ratio = other && { "of Fluent Bit": rounded(cpu(figures) / cpu(other.figures)) };
    return { name, figures: { ...figures, ...ratio } };
  });
}

function medianRow(rows: readonly ComparedRow[]): ComparedRow {
  const [first] = rows as [ComparedRow];
  const median = (column: string): number => {
    const values = rows.map(({ figures }) => Number(figures[column])).sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)]!;
  };
  const figures = Object.fromEntries(Object.keys(first.figures).map((column) => [column, median(column)]));
  return { ...first, figures };
}

function cpu(figures: BenchRow["figures"]): number {
  return Number(figures["CPU s/GB"] ?? figures["CPU %"]);
}
