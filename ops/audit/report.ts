import type { TableSums } from "../../wire/loader-command.ts";
import type { Audit, AuditResult } from "./audit.ts";
import type { AuditArguments } from "./command.ts";
import type { CountedRows } from "./count-rows.ts";
import { notesOf } from "./notes.ts";
import type { Failures } from "./read-failures.ts";
import type { ReadHeartbeats } from "./read-heartbeats.ts";
import type { SourceReport } from "./source-report.ts";

/** What was read beside the commits. */
export interface Evidence {
  readonly begun: Date;
  readonly options: AuditArguments;
  readonly failures: Failures;
  readonly heartbeats: ReadHeartbeats;
  readonly beginsLate: boolean;
  readonly hasNoLoader: boolean;
  /** Of the files that were asked for: their lines in the lake, and their rows in tables. */
  readonly rows?: CountedRows;
  readonly sourceTables?: readonly TableSums[];
}

/** What `weir audit --json` prints, but for `ok`. */
export interface AuditReport extends Omit<AuditResult, "left" | "shards" | "hosts"> {
  readonly at: string;
  /** What came to the log before is not in the sums. */
  readonly since?: string;
  readonly left: Readonly<Record<string, number>>;
  readonly shards: AuditResult["shards"];
  readonly hosts: AuditResult["hosts"];
  /** Files that were asked for, or that there is something to say of. */
  readonly sources: readonly SourceReport[];
  readonly sourceCount: number;
  /** What is no fault, and good to know. */
  readonly notes: readonly string[];
  readonly rows?: CountedRows;
  /** Rows of the files that were asked for, by table and source. */
  readonly tableRows?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Of sources that nobody asked for by name. */
const MAX_SOURCES = 1_000;

export function reportOf(audit: Audit, result: AuditResult, evidence: Evidence): AuditReport {
  const { begun, options, rows, sourceTables } = evidence;
  const isAsked = options.source !== undefined || options.host !== undefined;
  const sources: SourceReport[] = [];
  let sourceCount = audit.sources.settled;
  let [lagBytes, lagging, pendingBytes] = [0, 0, 0];
  const failing: string[] = [];
  for (const source of audit.reports()) {
    sourceCount++;
    lagBytes += source.lagBytes;
    pendingBytes += source.pendingBytes;
    if (source.error !== undefined) failing.push(`${source.host}:${source.path} (${source.error})`);
    if (source.lagBytes > 0) lagging++;
    if ((isAsked || isRemarkable(source)) && sources.length < MAX_SOURCES) sources.push(source);
  }
  return {
    at: begun.toISOString(),
    ...(options.since && { since: options.since.toISOString() }),
    ...result,
    left: Object.fromEntries(result.left),
    sources: sources.toSorted((a, b) => (name(a) < name(b) ? -1 : 1)),
    sourceCount,
    notes: notesOf(audit, result, evidence, { lagBytes, lagging, pendingBytes, failing }),
    ...(rows && { rows }),
    ...(sourceTables && {
      tableRows: Object.fromEntries(sourceTables.map(({ table, sources = {} }) => [table, sources])),
    }),
  };
}

const name = ({ host, path, firstAt = "" }: SourceReport): string => `${host}:${path} ${firstAt}`;

const isRemarkable = ({ whole, lagBytes, otherHosts, conflicts, error }: SourceReport): boolean =>
  whole === "missing" || lagBytes > 0 || otherHosts.length > 0 || conflicts > 0 || error !== undefined;
