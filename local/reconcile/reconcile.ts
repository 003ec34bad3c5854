import type { S3Client } from "@aws-sdk/client-s3";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import type { Commit } from "../../wire/commit.ts";
import { HEARTBEAT_TYPE, type LogType } from "../../wire/log-type.ts";
import type { RejectReason } from "../../wire/reject.ts";
import { compareSequenceNumbers } from "../../wire/sequence-number.ts";
import { type AgentSource, checkAgentSources } from "./agent-source.ts";
import { coverageProblems, coverSources, matchSources } from "./coverage.ts";
import { counted, grouped } from "./figures.ts";
import { Lake } from "./lake.ts";
import { lineNumber } from "./line-number.ts";
import { logProblems } from "./log.ts";
import { firstMissingLine, readIdentities } from "./missing-line.ts";
import type { RejectReport, Report } from "./report.ts";
import { tallyType, typesOf, type TypeTally } from "./tally.ts";
import type { Truth, TypeTruth } from "./truth.ts";
import { checkTable, tablesOf, type Warehouse, type WarehouseOf } from "./warehouse.ts";

export interface ReconcileOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  /** The log types of the configuration: they say which tables there are. */
  readonly types: readonly LogType[];
  /** What the files hold. Types without an entry are checked within the lake only. */
  readonly truth: Truth;
  /** All sources there were, as the agent knows them, where nothing else does. */
  readonly sources?: readonly AgentSource[] | undefined;
  /** Undefined when nothing is loaded. */
  readonly warehouse: Warehouse | undefined;
  /** Where the configuration has warehouses by name. */
  readonly warehouseOf?: WarehouseOf;
  /** What the loader says of tables that it could not load. */
  readonly unloaded?: readonly string[];
  /** Told, not checked: loads that ended well, and how long the run took. */
  readonly loads: number;
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

/**
 * Proves that nothing vanished: every line of the files is a row, rejected, filtered or a duplicate,
 * every byte is accounted for, the log holds each commit once, and the warehouse each row of the lake.
 *
 * Duplicates are those the router counted within a batch and those that several batches brought.
 */
export async function reconcile(options: ReconcileOptions): Promise<Report> {
  const lake = new Lake(options.s3, options.bucket, options.signal);
  const byKey = await lake.commits();
  const { commits, problems } = distinctCommits([...byKey.values()].sort(byBatch));
  problems.push(...(await logProblems(byKey, new CommitLog(options.s3, options.bucket), options.signal)));
  problems.push(...(options.unloaded ?? []));
  const report: Report = { ...totals(commits, options), problems };
  const configured = options.types.map(({ name }) => name);
  for (const type of new Set([...Object.keys(options.truth), ...configured, ...typesOf(commits)])) {
    const configuredType = options.types.filter(({ name }) => name === type);
    const tally = await tallyType(type, commits, lake, configuredType[0]?.columns);
    problems.push(
      ...tally.problems,
      ...(await fileProblems(type, tally, commits, lake, options.truth[type])),
    );
    for (const table of configuredType.flatMap((one) => tablesOf(one, options.warehouseOf))) {
      if (!options.warehouse) break;
      const lakeRows = () => readIdentities(type, commits, lake, ["data"]);
      const checked = await checkTable(table, tally.counts.rows, lakeRows, options.warehouse);
      problems.push(...checked.problems);
      report.warehouse.rows += checked.rows;
    }
    if (type === HEARTBEAT_TYPE) continue;
    report.types[type] = tally.counts;
    const { rows } = tally.counts;
    for (const empty of tally.emptyColumns) (report.emptyColumns ??= []).push({ type, rows, ...empty });
    for (const reject of tally.rejects) report.rejects.push(await placed(reject));
  }
  if (options.sources) {
    const checked = checkAgentSources(options.sources, commits, report.types);
    problems.push(...checked.problems);
    report.notes = checked.notes;
  }
  report.balanced = problems.length === 0;
  return report;
}

/** With the line's number, which is what people look for in a file. */
async function placed(reject: RejectReport): Promise<RejectReport> {
  const { path, offset, line } = reject.example;
  const number = path === undefined ? undefined : await lineNumber(path, offset, line);
  return number === undefined ? reject : { ...reject, example: { ...reject.example, lineNumber: number } };
}

/** Sorts by origin and sequence number. */
function byBatch(a: Commit, b: Commit): number {
  return (
    a.origin.localeCompare(b.origin) ||
    compareSequenceNumbers(a.firstSequenceNumber, b.firstSequenceNumber) ||
    compareSequenceNumbers(a.lastSequenceNumber, b.lastSequenceNumber)
  );
}

/** What of a type's files is not in the lake, with the first line at fault. */
async function fileProblems(
  type: string,
  tally: TypeTally,
  commits: readonly Commit[],
  lake: Lake,
  truth: TypeTruth | undefined,
): Promise<string[]> {
  if (!truth) return [];
  const match = matchSources(truth.files, coverSources(commits, type));
  const problems = [...coverageProblems(type, match), ...lineProblems(type, tally, truth)];
  if (problems.length + tally.problems.length === 0) return [];
  const missing = await firstMissingLine(type, match.pairs, commits, lake);
  if (missing) problems.push(`${type}: the first line that is nowhere is ${missing}`);
  return problems;
}

/**
 * The commits of each batch that say different things. Under another configuration a batch becomes other objects
 * beside the first ones: their lines are then read like those of any two batches that overlap. Under the same
 * configuration it has to become the same.
 */
function distinctCommits(all: readonly Commit[]): { commits: Commit[]; problems: string[] } {
  const problems: string[] = [];
  const commits: Commit[] = [];
  for (const [batchId, ofBatch] of Map.groupBy(all, ({ batchId }) => batchId)) {
    const distinct = new Map(ofBatch.map((commit) => [JSON.stringify(commit), commit]));
    if (distinct.size > new Set(ofBatch.map(({ config }) => config)).size) {
      problems.push(`batch ${batchId} has two commits of one configuration that differ`);
    }
    commits.push(...distinct.values());
  }
  return { commits, problems };
}

function totals(commits: readonly Commit[], { loads, seconds }: ReconcileOptions): Omit<Report, "problems"> {
  const batches = [...new Map(commits.map((commit) => [commit.batchId, commit])).values()];
  const sum = (of: (commit: Commit) => number): number => batches.reduce((total, c) => total + of(c), 0);
  const objects = new Map(commits.flatMap((commit) => commit.objects).map((object) => [object.key, object]));
  return {
    balanced: false,
    seconds,
    types: {},
    kinesis: {
      records: sum(({ records }) => records),
      userRecords: sum(({ userRecords }) => userRecords),
      bytes: sum(({ bytes }) => bytes),
    },
    s3: {
      objects: objects.size,
      bytes: [...objects.values()].reduce((total, { bytes }) => total + bytes, 0),
    },
    warehouse: { loads, rows: 0 },
    rejects: [],
    quarantined: sum(({ quarantined }) => quarantined),
  };
}

/** The files hold as many lines as came, duplicates aside, and the lines made to be rejected were. */
function lineProblems(
  type: string,
  { counts, rejects }: TypeTally,
  { files, mustReject }: TypeTruth,
): string[] {
  const problems: string[] = [];
  const inFiles = files.reduce((sum, file) => sum + file.lines, 0);
  const delivered = counts.lines - counts.duplicates;
  if (inFiles !== delivered) {
    problems.push(
      `${type}: the files hold ${counted(inFiles, "line")}, ${grouped(delivered)} came ` +
        `(${grouped(counts.lines)} less ${counted(counts.duplicates, "duplicate")})`,
    );
  }
  if (!mustReject) return problems;
  const rejected = Map.groupBy(rejects, ({ reason }) => reason);
  for (const reason of new Set([...(Object.keys(mustReject) as RejectReason[]), ...rejected.keys()])) {
    const must = mustReject[reason] ?? 0;
    const were = (rejected.get(reason) ?? []).reduce((sum, { count }) => sum + count, 0);
    if (must === were) continue;
    problems.push(`${type}: ${counted(must, "line")} must be rejected as "${reason}", ${grouped(were)} were`);
  }
  return problems;
}
