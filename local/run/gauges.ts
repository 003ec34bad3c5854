import type { AgentStatus } from "../../agent/monitor/agent-status.ts";
import type { TickReport } from "../../lambdas/loader/tick.ts";
import type { LogType } from "../../wire/log-type.ts";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { MappingEvent } from "../mapping/mapping-event.ts";
import { type Condition, sentence, timeOfDay } from "../conditions/condition.ts";
import { conditions } from "../conditions/conditions.ts";
import { foldFiles } from "../console/fold-files.ts";
import type { AgentFile, ConditionView, Phase, Snapshot } from "../console/snapshot.ts";
import type { LakeTotals } from "../console/watch-lake.ts";
import { Signs } from "../conditions/signs.ts";
import {
  parseTableName,
  tableName,
  tablesOf,
  type Warehouse,
  type WarehouseOf,
} from "../reconcile/warehouse.ts";

/** Over which records per second are averaged. */
const RATE_WINDOW_MS = 5_000;

/** Files that the page lists one by one. */
const SHOWN_FILES = 100;

/** A condition as the page shows it. */
function told(condition: Condition, atMs: number): ConditionView {
  const { id, severity, headline, sinceMs } = condition;
  return { id, severity, headline, text: sentence(condition, atMs), since: timeOfDay(sinceMs) };
}

/** Everything a run counts while it goes on, and what the console shows of it. */
export class Gauges {
  readonly #startedAtMs = Date.now();
  readonly #types: readonly LogType[];
  readonly #warehouseOf: WarehouseOf | undefined;
  readonly #polls: { readonly atMs: number; readonly shardId: string; readonly records: number }[] = [];
  readonly #rowsByTable = new Map<string, number>();
  #files: readonly AgentFile[] = [];
  #sentLines: Readonly<Record<string, number>> = {};
  #invocations = 0;
  #invocationErrors = 0;
  #failedLoads = 0;
  /** What the warehouse refuses of each table, in its own words: told once, and true until the table has none. */
  readonly #refusals = new Map<string, string>();
  readonly signs = new Signs();
  /** Share of a type's lines above which its rejects are told. */
  maxRejectedPercent = 100;
  /** What is not as it should be, as of the last look. */
  conditions: readonly Condition[] = [];
  /** Loads that ended well. */
  loads = 0;
  phase: Phase = "starting";
  problems: readonly string[] = [];

  /** @param warehouseOf where the configuration has warehouses by name */
  constructor(types: readonly LogType[], warehouseOf?: WarehouseOf) {
    this.#types = types;
    this.#warehouseOf = warehouseOf;
  }

  get elapsedSeconds(): number {
    return (Date.now() - this.#startedAtMs) / 1_000;
  }

  /** Takes over what tables had before this run. */
  async startFrom(tables: Pick<Warehouse, "countRows">): Promise<void> {
    for (const table of this.#types.flatMap((type) => tablesOf(type, this.#warehouseOf)))
      this.#rowsByTable.set(table, (await tables.countRows(table)).rows);
  }

  /** Rows over all tables. */
  get rowsLoaded(): number {
    return this.#rowsByTable.values().reduce((sum, rows) => sum + rows, 0);
  }

  onMappingEvent(event: MappingEvent): void {
    this.signs.onMappingEvent(event);
    if (event.kind === "invoked") {
      this.#invocations++;
      if (event.outcome !== "succeeded") this.#invocationErrors++;
    }
    if (event.kind !== "polled") return;
    const atMs = Date.now();
    this.#polls.push({ atMs, shardId: event.shardId, records: event.records });
    while (this.#polls[0]!.atMs < atMs - RATE_WINDOW_MS) this.#polls.shift();
  }

  /** @param warehouse name of the loader's warehouse */
  onLoaderTick(report: TickReport, warehouse: string = MAIN_WAREHOUSE): void {
    this.signs.onLoaderTick(report, warehouse);
    const { events, refusedByTable = {} } = report;
    for (const table of this.#refusals.keys()) {
      const [of, name] = parseTableName(table);
      if (of === warehouse && refusedByTable[name] === undefined) this.#refusals.delete(table);
    }
    for (const event of events) {
      if (event.kind === "failed") this.#failedLoads++;
      if (event.kind === "set-aside") this.#refusals.set(tableName(warehouse, event.table), event.error);
      if (event.kind === "loaded") {
        // One whose objects are all set aside has loaded nothing.
        if (event.rows + (event.duplicates ?? 0) + (event.erased ?? 0) > 0) this.loads++;
        const table = tableName(warehouse, event.table);
        this.#rowsByTable.set(table, (this.#rowsByTable.get(table) ?? 0) + event.rows);
      }
    }
  }

  /** Tables that the warehouse refuses rows of, and why. */
  get refused(): string[] {
    return [...this.#refusals].map(
      ([table, error]) => `table ${table} could not be loaded: ${error.replaceAll("\n", "; ")}`,
    );
  }

  /** @param typeOf log type of an agent's tag */
  onAgentStatus(status: AgentStatus, typeOf: (tag: string) => string): void {
    this.signs.onAgentStatus(status);
    const { files, sent } = status;
    const sentLines: Record<string, number> = {};
    for (const [tag, { messages }] of Object.entries(sent)) {
      const type = typeOf(tag);
      sentLines[type] = (sentLines[type] ?? 0) + messages;
    }
    this.#sentLines = sentLines;
    this.#files = Object.entries(files).map(([path, { tag, size, delivered }]) => ({
      path,
      type: typeOf(tag),
      sizeBytes: size,
      deliveredBytes: delivered,
    }));
  }

  /** The agent has sent all that its files held, and has ended: no status of it says so any more. */
  agentDrained(): void {
    this.signs.agentEnded();
    this.#files = this.#files.map((file) => ({ ...file, deliveredBytes: file.sizeBytes }));
  }

  /** Looks whether all is as it should be. */
  look(mapping: Mapping, { types, rejects }: Pick<LakeTotals, "types" | "rejects">): readonly Condition[] {
    const { phase, maxRejectedPercent } = this;
    const facts = this.signs.facts(mapping.status());
    this.conditions = conditions(
      { ...facts, phase, types, rejects, maxRejectedPercent, refused: this.#refusals },
      this.conditions,
    );
    return this.conditions;
  }

  snapshot(mapping: Mapping, lake: LakeTotals): Snapshot {
    return {
      atMs: Date.now(),
      elapsedSeconds: this.elapsedSeconds,
      phase: this.phase,
      agent: { files: foldFiles(this.#files, SHOWN_FILES), sentLines: this.#sentLines },
      kinesis: {
        shards: mapping.status().map((shard) => ({ ...shard, recordsPerSecond: this.#rate(shard.shardId) })),
      },
      router: { invocations: this.#invocations, errors: this.#invocationErrors },
      types: Object.fromEntries(
        Object.entries(lake.types).map(([type, counts]) => [type, { ...counts, loaded: this.#loaded(type) }]),
      ),
      rejects: lake.rejects,
      lake: lake.lake,
      warehouse: { loads: this.loads, failedLoads: this.#failedLoads },
      problems: this.problems,
      conditions: this.conditions.map((condition) => told(condition, Date.now())),
    };
  }

  #rate(shardId: string): number {
    const since = Date.now() - RATE_WINDOW_MS;
    const recent = this.#polls.filter((poll) => poll.shardId === shardId && poll.atMs >= since);
    return recent.reduce((sum, { records }) => sum + records, 0) / (RATE_WINDOW_MS / 1_000);
  }

  #loaded(name: string): number | undefined {
    const tables = this.#types
      .filter((type) => type.name === name)
      .flatMap((type) => tablesOf(type, this.#warehouseOf));
    if (tables.length === 0) return undefined;
    return tables.reduce((sum, table) => sum + (this.#rowsByTable.get(table) ?? 0), 0);
  }
}
