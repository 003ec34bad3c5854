import {
  BatchExecuteStatementCommand,
  type DescribeStatementResponse,
  ExecuteStatementCommand,
  type Field,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOutcome } from "../../lambdas/loader/outcome.ts";
import { rangesTableSql, type Target } from "../../lambdas/loader/target.ts";
import { batch } from "../loader/lake-fixture.ts";
import { LoaderRig, logType, targets } from "../loader/loader-fixture.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { Random } from "../sequencer/random.ts";
import { Warehouse } from "./simulation/warehouse.ts";

let rig: Rig;
/** Past the life of the last test's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
});
afterAll(() => rig?.[Symbol.asyncDispose]());

/** Has both warehouses do what the loader asks, and compares what comes of each statement. */
class BothWarehouses {
  readonly simulated: Warehouse;
  compared = 0;
  /** Whoever asks would take an error for the warehouse's. */
  readonly differences: string[] = [];
  readonly #objects = new Map<string, Buffer>();
  /** Ids of the simulated one, by those of PostgreSQL's. */
  readonly #ids = new Map<string, string>();
  readonly #queryIds = new Map<string, string>();

  constructor(now: () => number) {
    this.simulated = new Warehouse({ now, read: (key) => this.#objects.get(key) });
  }

  get client(): RedshiftDataClient {
    return {
      send: (command: object) => this.#send(command),
      destroy: () => {},
    } as unknown as RedshiftDataClient;
  }

  async #send(command: object): Promise<unknown> {
    const answer = (await rig.redshift.send(command as never)) as { Id?: string; Records?: Field[][] };
    if (command instanceof BatchExecuteStatementCommand || command instanceof ExecuteStatementCommand) {
      await this.#compare(command, answer.Id!);
    }
    if (command instanceof GetStatementResultCommand) this.#compareRows(command.input.Id!, answer.Records!);
    return answer;
  }

  #compareRows(id: string, records: readonly (readonly Field[])[]): void {
    const [statement, sub] = id.split(":");
    const own = `${this.#ids.get(statement!)!}:${sub}`;
    const answer = this.simulated.send(new GetStatementResultCommand({ Id: own }));
    const sql = this.simulated.statements.get(own.split(":")[0]!)!.subs[Number(sub) - 1]!.sql;
    // Of columns, what SVV_COLUMNS says first: the rest tells of types that nothing here has.
    const values = sql.includes("svv_columns") ? 2 : Infinity;
    const texts = (rows: readonly (readonly Field[])[]): string[] =>
      rows.map((row) => row.slice(0, values).map(textOf).join(" ")).toSorted();
    this.#expect(sql, texts((answer as { Records: Field[][] }).Records), texts(records));
  }

  #expect(what: string, own: unknown, postgres: unknown): void {
    const [a, b] = [JSON.stringify(own), JSON.stringify(postgres)];
    if (a !== b) this.differences.push(`${what}: ${a}, and PostgreSQL has ${b}`);
  }

  async #compare(command: BatchExecuteStatementCommand | ExecuteStatementCommand, id: string): Promise<void> {
    const described = await rig.describe(id);
    const sqls = "Sqls" in command.input ? command.input.Sqls! : [command.input.Sql!];
    const names = sqls.map((sql) => /^\/\* weir: ([a-z-]+) \*\//.exec(sql)?.[1] ?? "");
    for (const sql of sqls) await this.#fetch(sql);
    const { Id } = this.simulated.send(this.#withOwnIds(command, sqls)) as { Id: string };
    this.#ids.set(id, Id);
    const own = this.simulated.describe(Id);
    for (const [i, { RedshiftQueryId: queryId = 0 }] of (described.SubStatements ?? []).entries()) {
      this.#queryIds.set(`${queryId}`, `${own.SubStatements![i]!.RedshiftQueryId}`);
    }
    const what = (described: DescribeStatementResponse): object => {
      const outcome = readOutcome(described, names);
      if (outcome.kind !== "failed") return { ...outcome, seconds: 0 };
      const { kind, statement, transient } = outcome;
      return { kind, statement, transient };
    };
    this.#expect(`${sqls.at(-1)!} (${own.Error})`, what(own), what(described));
    this.compared += sqls.length;
  }

  /** What COPY has refused is known by the ids of queries. */
  #withOwnIds(command: object, sqls: readonly string[]): object {
    if (!sqls[0]!.includes("query_id IN")) return command;
    const [sql] = sqls.map((sql) => sql.replaceAll(/\b\d{4,}\b/g, (id) => this.#queryIds.get(id) ?? id));
    return new BatchExecuteStatementCommand({ Sqls: [sql!] });
  }

  /** What a COPY is about to read. */
  async #fetch(sql: string): Promise<void> {
    const [, key] = /^(?:\/\*.*?\*\/ )?COPY [\s\S]*?FROM 's3:\/\/lake\/([^']+)'/.exec(sql) ?? [];
    if (key === undefined) return;
    const body = await rig.get(key);
    this.#objects.set(key, body);
    if (!sql.includes(" MANIFEST ")) return;
    const { entries } = JSON.parse(body.toString()) as { entries: { url: string }[] };
    for (const { url } of entries) {
      const object = url.replace("s3://lake/", "");
      this.#objects.set(object, await rig.get(object));
    }
  }

  /** Both have the same rows, and the same ledger. */
  async assertEqual({ name, ...target }: Target): Promise<void> {
    const ranges = rangesTableSql({ name, ...target });
    for (const sql of [
      `SELECT "_src" AS a, "_off" AS b, "_crc" AS c, "note" AS d FROM ${name}`,
      "SELECT load_id AS a, path AS b, rows_staged AS c, rows_inserted AS d FROM weir.loads",
      `SELECT src AS a, from_off AS b, to_off AS c, '' AS d FROM ${ranges}`,
      "SELECT shard_id AS a, first_seq AS b, last_seq AS c, rows AS d FROM weir.commits",
      "SELECT src AS a, crc AS b, other_crc AS c, '' AS d FROM weir.conflicts",
      "SELECT object_key AS a, rows AS b, state AS c, line AS d FROM weir.set_aside",
    ]) {
      const texts = (rows: readonly Record<string, unknown>[]): string[] =>
        rows.map((row) => Object.values(row).map(String).join(" ")).toSorted();
      expect(texts(this.simulated.query(sql)), sql).toEqual(texts(await rig.warehouse.query(sql)));
    }
  }
}

const textOf = (field: Field): string => (field.isNull ? "" : String(Object.values(field)[0]));

const PHOTO = logType("photo", [{ name: "note", type: "varchar(8)" }]);

test.each([1, 2])(
  "a simulated warehouse makes of the loader's SQL what PostgreSQL makes of it (seed %i)",
  async (seed) => {
    const random = new Random(seed);
    hoursLater += 10;
    const both = new BothWarehouses(() => loader.now.getTime());
    const loader = new LoaderRig({ ...rig, redshift: both.client }, targets(PHOTO));
    await loader.reset();
    for (let step = 0; step < 12; step++) {
      const from = random.int(0, 12) * 10;
      const range = [from, from + random.int(1, 6) * 10] as const;
      const first = random.int(0, 12);
      const isForeign = random.chance(0.4);
      const arrivedAt = new Date(Date.UTC(2026, 10, 21, 9, 0, first));
      const content = random.pick(["", "", "other"]);
      const note = random.chance(0.15) ? "too long for it" : "short";
      const common = { content, arrivedAt, writtenAt: loader.now, fields: { note } };
      await loader.commit(
        isForeign
          ? batch({ ...common, shard: 1, sequence: [first, first + 1], foreign: [first, first + 1] })
          : batch({ ...common, shard: 2, sequence: [range[0] + 1, range[1]], sources: { a: [range] } }),
      );
      if (random.chance(0.6)) await loader.tick();
      if (random.chance(0.2)) loader.now = new Date(loader.now.getTime() + random.int(1, 200) * 60_000);
      if (step === 8) loader.targets = targets(logType("photo", [{ name: "note", type: "varchar(99)" }]));
    }
    await loader.settle();
    await both.assertEqual(loader.targets[0]!);
    expect(both.differences).toEqual([]);
    expect(both.compared).toBeGreaterThan(100);
  },
);
