import type { Commit, LakeObject } from "../../wire/commit.ts";
import { RangeSet } from "../../wire/ranges.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import type { LogType } from "../../wire/log-type.ts";
import { type EmptyColumn, EmptyColumns } from "../../ops/try/empty-columns.ts";
import { grouped } from "./figures.ts";
import { IdentitySet } from "./identity-set.ts";
import { mapConcurrently, type Lake } from "./lake.ts";
import { Overlap } from "./overlap.ts";
import type { RejectReport, TypeReport } from "./report.ts";
import { RowScan } from "./row-scan.ts";

/** What the lake says of one log type. */
export interface TypeTally {
  readonly counts: TypeReport;
  readonly rejects: readonly RejectReport[];
  /** Columns that are NULL in every row. */
  readonly emptyColumns: readonly EmptyColumn[];
  /** Sums within the lake that do not hold. */
  readonly problems: readonly string[];
}

/** Log types that any commit has lines of. */
export function typesOf(commits: readonly Commit[]): string[] {
  return [...new Set(commits.flatMap((commit) => Object.keys(commit.types)))];
}

/**
 * Adds up one type over all commits, and proves each commit by its objects: every data object is read
 * and its rows are counted, every rejected line is read.
 *
 * @param commits no two alike
 * @param columns of the type, where it is configured
 */
export async function tallyType(
  type: string,
  commits: readonly Commit[],
  lake: Lake,
  columns: LogType["columns"] = [],
): Promise<TypeTally> {
  const tally = new TypeTallier(type, commits, lake, columns);
  await tally.readRows();
  await tally.readRejected();
  return tally.result();
}

/** Of all lines of a commit, whatever their type. */
const bytesOf = ({ types }: Commit): number =>
  Object.values(types).reduce((sum, { bytes }) => sum + bytes, 0);

class TypeTallier {
  readonly #type: string;
  readonly #commits: readonly Commit[];
  readonly #lake: Lake;
  readonly #overlap: Overlap;
  readonly #sharedRows = new IdentitySet();
  readonly #rejected = new IdentitySet();
  /** Objects whose lines another commit files anew: that one counts them. */
  readonly #consumed: ReadonlySet<string>;
  readonly #rejects = new Map<string, RejectReport>();
  readonly #problems: string[] = [];
  #repeatedRows = 0;
  #repeatedRejects = 0;
  readonly #columns: EmptyColumns;

  constructor(type: string, commits: readonly Commit[], lake: Lake, columns: LogType["columns"]) {
    this.#columns = new EmptyColumns(columns);
    this.#type = type;
    this.#commits = commits.filter((commit) => type in commit.types);
    this.#lake = lake;
    this.#overlap = new Overlap(commits);
    this.#consumed = new Set(commits.flatMap(({ consumed = [] }) => consumed.map(({ key }) => key)));
  }

  async readRows(): Promise<void> {
    const scan = new RowScan(this.#columns);
    await mapConcurrently(this.#objects("data"), async ({ object, batchId }) => {
      this.#expectRows(object, await this.#lake.countLines(object.key, scan.object()));
      if (!this.#overlap.touches(batchId)) return;
      for await (const identity of this.#lake.identities(object.key)) {
        if (this.#overlap.includes(identity) && !this.#sharedRows.add(identity)) this.#repeatedRows++;
      }
    });
  }

  /** A line that is also a row was replayed after its rejection: it counts as the row. */
  async readRejected(): Promise<void> {
    await mapConcurrently(this.#objects("rejected"), async ({ object }) => {
      let lines = 0;
      for await (const line of this.#lake.rejected(object.key)) {
        lines++;
        if (this.#consumed.has(object.key)) continue;
        const identity = { src: line._src, off: line._off, crc: line._crc };
        if (this.#sharedRows.has(identity) || !this.#rejected.add(identity)) this.#repeatedRejects++;
        else this.#explain(line);
      }
      this.#expectRows(object, lines);
    });
  }

  result(): TypeTally {
    const sum = { lines: 0, bytes: 0, rows: 0, rejected: 0, filtered: 0, duplicates: 0 };
    for (const commit of this.#commits) {
      const counts = commit.types[this.#type]!;
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key];
      sum.lines -= counts.reparsed;
      sum.rejected -= counts.reparsed;
      if (counts.reparsed > 0) sum.bytes -= bytesOf(commit);
      this.#checkCommit(commit);
    }
    const repeatedGaps = this.#repeatedGapLines();
    const counts = {
      ...sum,
      rows: sum.rows - this.#repeatedRows,
      rejected: sum.rejected - this.#repeatedRejects,
      filtered: sum.filtered - repeatedGaps,
      duplicates: sum.duplicates + this.#repeatedRows + this.#repeatedRejects + repeatedGaps,
    };
    const rejects = [...this.#rejects.values()].sort((a, b) => b.count - a.count);
    const emptyColumns = counts.rows === 0 ? [] : this.#columns.found();
    return { counts, rejects, emptyColumns, problems: this.#problems };
  }

  #objects(kind: LakeObject["kind"]): { object: LakeObject; batchId: string }[] {
    return this.#commits.flatMap(({ batchId, objects }) =>
      objects
        .filter((object) => object.kind === kind && object.type === this.#type)
        .map((object) => ({ object, batchId })),
    );
  }

  #expectRows({ key, rows }: LakeObject, found: number | undefined): void {
    if (found === rows) return;
    const holds = found === undefined ? "does not exist" : `holds ${grouped(found)} lines`;
    this.#problems.push(`${this.#type}: object ${key} ${holds}, its commit says ${grouped(rows)}`);
  }

  #explain(rejected: RejectedLine): void {
    const { reason, field, type } = rejected;
    const key = `${reason} ${field ?? ""}`;
    const known = this.#rejects.get(key);
    const example = known?.example ?? exampleOf(rejected);
    const count = (known?.count ?? 0) + 1;
    this.#rejects.set(key, { type, reason, ...(field !== undefined && { field }), count, example });
  }

  /** lines = rows + rejected + filtered + duplicates, and the objects hold as many. */
  #checkCommit({ batchId, types, objects }: Commit): void {
    const { lines, rows, rejected, filtered, duplicates } = types[this.#type]!;
    const parts = rows + rejected + filtered + duplicates;
    const rowsIn = (kind: LakeObject["kind"]): number =>
      objects.reduce((sum, o) => sum + (o.kind === kind && o.type === this.#type ? o.rows : 0), 0);
    const expect = (what: string, says: number, is: number): void => {
      if (says === is) return;
      this.#problems.push(
        `${this.#type}: commit of batch ${batchId} says ${grouped(says)} ${what}, its parts add up to ${grouped(is)}`,
      );
    };
    expect("lines", lines, parts);
    expect("rows", rows, rowsIn("data"));
    expect("rejected", rejected, rowsIn("rejected"));
  }

  /** Lines of gaps that a second batch states again. */
  #repeatedGapLines(): number {
    const stated = new Map<string, RangeSet>();
    let repeated = 0;
    for (const { id, gaps, types } of this.#commits.flatMap(({ sources }) => sources)) {
      if (types.length > 0 && !types.includes(this.#type)) continue;
      const known = stated.get(id) ?? new RangeSet();
      for (const { from, to, lines } of gaps) {
        if (known.covers(from, to)) repeated += lines;
        known.add(from, to);
      }
      stated.set(id, known);
    }
    return repeated;
  }
}

function exampleOf({ detail, _src, _off, _path, encoding, data }: RejectedLine): RejectReport["example"] {
  const line = Buffer.from(data, encoding).toString();
  return { detail, source: _src, offset: _off, line, ...(_path !== undefined && { path: _path }) };
}
