import type { Cursor } from "../../lambdas/commit-log/cursor.ts";
import type { Commit } from "../../wire/commit.ts";
import { type Heartbeat, HEARTBEAT_PATH } from "../../wire/heartbeat.ts";
import type { TableSums } from "../../wire/loader-command.ts";
import type { FoundCommit } from "../commits/read-commits.ts";
import { commitProblems } from "./commit-check.ts";
import { refOf } from "./commit-ref.ts";
import { type FailedBatch, FailedBatches } from "./failed-batches.ts";
import { type Finding, Findings } from "./finding.ts";
import { type HostReport, judgeHosts } from "./judge-hosts.ts";
import { type Circumstances, judgeSource } from "./judge-source.ts";
import { replayLines } from "./replay-lines.ts";
import { type Coverage, SequenceIntervals } from "./sequence-intervals.ts";
import { type ShardSum, Shards } from "./shards.ts";
import type { Source } from "./source.ts";
import { reportSource, type SourceReport } from "./source-report.ts";
import { Sources, type SourcesOptions } from "./sources.ts";
import { type TableBalance, TableAudit } from "./table-audit.ts";
import { type Freshness, type TypeHour, type TypeSum, TypeSums } from "./type-sums.ts";

export interface AuditOptions extends Pick<
  SourcesOptions,
  "wants" | "wantsHost" | "maxSources" | "maxSettled"
> {
  readonly now: Date;
  /** What was written before some time is not there to be seen: sources may have begun before. */
  readonly beginsLate?: boolean;
  readonly failures?: readonly FailedBatch[];
  /** Sources and sums of this log type alone are told. */
  readonly type?: string;
  /** What the loaders answered before the commits were read: what is new since then waits. */
  readonly tables?: readonly TableSums[];
  /** What arrived within this time may be on its way, unless all shards are further. @default ten minutes */
  readonly graceMs?: number;
}

export interface AuditResult {
  readonly balanced: boolean;
  readonly findings: readonly Finding[];
  /** Of a kind of which there are very many, how many more there are. */
  readonly left: ReadonlyMap<Finding["kind"], number>;
  readonly commits: number;
  /** Commits of batches that came before. */
  readonly repeated: number;
  readonly types: readonly TypeSum[];
  readonly hours: readonly TypeHour[];
  /** Records that could not be opened, less those that were reparsed. */
  readonly quarantined: number;
  readonly tables: readonly TableBalance[];
  readonly shards: readonly ShardSum[];
  readonly hosts: readonly HostReport[];
  /** Failed batches of which commits have all records by now. */
  readonly replayed: readonly string[];
}

const GRACE_MS = 10 * 60_000;

/**
 * Adds up all commits of a lake, what agents say of their files and what loaders say of their tables, and says whether they
 * balance: that every byte of every source is delivered, or left out for a stated reason; that each commit adds up; that
 * every row of the lake is in its tables once. Commits may come in any order, and again.
 */
export class Audit {
  readonly sources: Sources;
  readonly #options: AuditOptions;
  readonly #findings = new Findings();
  readonly #intervals = new SequenceIntervals();
  readonly #types = new TypeSums();
  readonly #shards = new Shards();
  readonly #failed: FailedBatches;
  readonly #tables: readonly TableAudit[];
  readonly #configs = new Set<string>();
  /** Lines that commits of batches which came before had rejected as well, by type. */
  readonly #rejectedAgain = new Map<string, number>();
  #commits = 0;
  #repeated = 0;
  #quarantined = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#failed = new FailedBatches(options.failures ?? []);
    this.#tables = (options.tables ?? []).map((sums) => new TableAudit(sums));
    const onLeave = (source: Source): void => this.#judge(source, this.#circumstances);
    this.sources = new Sources({ ...options, onLeave });
  }

  add(found: FoundCommit): void {
    if ("commit" in found) this.#add(found.key, found.commit, found.at);
    else {
      const { key, error } = found;
      this.#findings.add({ kind: "unreadable", subject: key, text: error.message, count: 1, objects: [key] });
    }
  }

  #add(key: string, commit: Commit, at: Cursor | undefined): void {
    const ref = refOf(key, commit);
    this.#commits++;
    this.#configs.add(commit.config);
    for (const text of commitProblems(commit)) {
      this.#findings.add({
        kind: "bad-commit",
        subject: key,
        text: `${key}: ${text}`,
        count: 1,
        commits: [ref],
      });
    }
    const coverage = this.#intervals.add(ref.origin, ref.firstSequenceNumber, ref.lastSequenceNumber);
    this.#shards.add(ref, commit.records, coverage);
    const bytes = this.sources.add(commit, ref);
    if (coverage === "covered") {
      this.#repeated++;
      this.#rejectAgain(commit);
    } else {
      this.#failed.add(ref, commit.records);
      this.#types.add(commit, freshnessOf(commit, coverage, bytes));
      this.#quarantined += commit.quarantined - consumedRecords(commit);
    }
    this.#addRows(commit, at, coverage, bytes);
  }

  /** Not counted, but what is filed anew of these lines is told like any other. */
  #rejectAgain({ types }: Commit): void {
    for (const [type, { rejected }] of Object.entries(types)) {
      this.#rejectedAgain.set(type, (this.#rejectedAgain.get(type) ?? 0) + rejected);
    }
  }

  #addRows(commit: Commit, at: Cursor | undefined, coverage: Coverage, bytes: Freshness | undefined): void {
    const isRepeated = coverage === "covered";
    const mayBeAgain =
      isRepeated || freshnessOf(commit, coverage, bytes) !== "fresh" || commit.consumed !== undefined;
    // Under another configuration, lines that had been rejected may be rows.
    const isAgain = isRepeated && this.#configs.size === 1;
    for (const table of this.#tables) table.add(commit, at, { isRepeated, mayBeAgain, isAgain });
  }

  /** What an agent said, and when Kinesis took it. */
  tell(heartbeat: Heartbeat, arrivedAt: Date): void {
    this.sources.tell(heartbeat, arrivedAt);
  }

  /** Rows of a type that erasures have taken out of the lake. */
  erase(type: string, rows: number): void {
    for (const table of this.#tables) table.erase(type, rows);
  }

  /** What there is to say of each file that is still known. */
  *reports(): Generator<SourceReport> {
    const circumstances = this.#circumstances;
    for (const source of this.sources) {
      if (source.path === HEARTBEAT_PATH) continue;
      if (this.#isTold(source.types)) yield reportSource(source, circumstances);
    }
  }

  /** A source of which nothing has come may be of any type. */
  #isTold(types: readonly string[]): boolean {
    const { type } = this.#options;
    return type === undefined || types.length === 0 || types.includes(type);
  }

  /** A fault that was found beside what is added up. */
  found(finding: Finding): void {
    this.#findings.add(finding);
  }

  /** Call once, when all is told. */
  end(): AuditResult {
    const { now, beginsLate = false, wants } = this.#options;
    for (const { batch, missing } of this.#failed.missing()) this.#fail(batch, missing);
    const circumstances = this.#circumstances;
    for (const source of this.sources) this.#judge(source, circumstances);
    const { hosts, findings } = judgeHosts(this.sources, now, wants === undefined);
    for (const finding of findings) this.#findings.add(finding);
    if (!beginsLate) this.#judgeReparsed();
    for (const table of this.#tables) {
      for (const finding of table.findings(!beginsLate && wants === undefined)) this.#findings.add(finding);
    }
    return {
      balanced: this.#findings.all.length === 0,
      findings: this.#findings.all,
      left: this.#findings.left,
      commits: this.#commits,
      repeated: this.#repeated,
      types: this.#types.types.filter(({ type }) => this.#isTold([type])),
      hours: this.#types.hours.filter(({ type }) => this.#isTold([type])),
      quarantined: this.#quarantined,
      tables: this.#tables.map((table) => table.balance(!beginsLate)),
      shards: this.#shards.all,
      hosts,
      replayed: this.#failed.replayed,
    };
  }

  get #circumstances(): Circumstances {
    const { now, beginsLate = false, graceMs = GRACE_MS } = this.#options;
    const graced = new Date(now.getTime() - graceMs).toISOString();
    const { reached } = this.#shards;
    const settledBefore = reached > graced ? reached : graced;
    const hasFailedBatches = !this.#failed.missing().next().done;
    const givenUp = { hasFailedBatches, hasQuarantined: this.#quarantined > 0 };
    return {
      now,
      settledBefore,
      beginsLate: beginsLate || this.sources.hasForgotten,
      replay: (after, before) => replayLines(after, before, this.#shards, givenUp),
    };
  }

  #judge(source: Source, circumstances: Circumstances): void {
    if (!this.#isTold(source.types)) return;
    for (const finding of judgeSource(source, circumstances)) this.#findings.add(finding);
  }

  #fail(batch: FailedBatch, count: number): void {
    const { key, shardId, firstSequenceNumber, lastSequenceNumber, arrivedFrom, arrivedTo } = batch;
    const text =
      `${count} of ${batch.records} records that ${shardId} gave up are in no commit: they arrived from ${arrivedFrom} ` +
      `to ${arrivedTo}, sequence numbers ${firstSequenceNumber} to ${lastSequenceNumber}`;
    this.#findings.add({
      kind: "failed-batch",
      subject: shardId,
      text,
      count,
      objects: [key],
      fix: ["weir replay --failed"],
    });
  }

  #judgeReparsed(): void {
    for (const { type, lines, rejected } of this.#types.types) {
      const count = -Math.min(lines, rejected) - (this.#rejectedAgain.get(type) ?? 0);
      if (count <= 0) continue;
      const text = `${count} lines of ${type} were filed anew, and no commit had rejected them`;
      this.#findings.add({ kind: "consumed", subject: type, text, count });
    }
  }
}

/** Whether a batch's rows came before: by the bytes of sources, or where it has none, by its sequence numbers. */
function freshnessOf(commit: Commit, coverage: Coverage, bytes: Freshness | undefined): Freshness {
  if (commit.consumed !== undefined) return "fresh";
  if (coverage === "covered") return "again";
  const bySequence: Freshness = coverage === "overlapping" ? "partly" : "fresh";
  if (bytes === undefined || bytes === bySequence) return bySequence;
  const isForeign = Object.values(commit.types).some(({ foreignRows }) => foreignRows > 0);
  if (!isForeign) return bytes;
  return bytes === "fresh" && bySequence === "fresh" ? "fresh" : "partly";
}

const consumedRecords = ({ consumed = [] }: Commit): number =>
  consumed.reduce((sum, { kind, rows }) => sum + (kind === "quarantine" ? rows : 0), 0);
