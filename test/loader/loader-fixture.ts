import { ListStatementsCommand } from "@aws-sdk/client-redshift-data";
import { DeleteObjectsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { answer } from "../../lambdas/loader/commands/answer.ts";
import { DataApi } from "../../lambdas/loader/data-api.ts";
import type { KnownTypes } from "../../lambdas/loader/held/held-types.ts";
import { Lake } from "../../lambdas/loader/lake.ts";
import type { OpenLoad } from "../../lambdas/loader/open-load.ts";
import { LoadPlan } from "../../lambdas/loader/plan.ts";
import { type LoaderState, savedState } from "../../lambdas/loader/state.ts";
import { type Target, targetsOf } from "../../lambdas/loader/target.ts";
import { tick, type TickLimits, type TickParts, type TickReport } from "../../lambdas/loader/tick.ts";
import { parseConfig, type WeirConfigInput } from "../../wire/config.ts";
import type { LoaderAnswer, LoaderRequest } from "../../wire/loader-command.ts";
import { BUCKET, DATABASE, type Rig, WORKGROUP } from "../local/warehouse-fixture.ts";
import type { Batch } from "./lake-fixture.ts";
import { LogFixture } from "./log-fixture.ts";

type LogType = WeirConfigInput["types"][number];

/** A log type of one nullable column, loaded into logs.<table>. */
export function logType(name: string, columns?: LogType["columns"]): LogType {
  return {
    name,
    parse: { format: "json" },
    columns: columns ?? [{ name: "note", type: "varchar(8)" }],
    destinations: [{ to: "s3" }, { to: "redshift", schema: "logs" }],
  };
}

export function targets(...types: LogType[]): Target[] {
  return targetsOf(parseConfig({ warehouse: { kind: "new-serverless" }, types }, "test"));
}

/** The load of these batches, which are the whole log, and the files that go with it. */
export function planned(
  target: Target,
  batches: readonly Pick<Batch, "commitKey" | "commit">[],
  now = new Date(0),
): { load: OpenLoad; files: { key: string; body: string | Buffer }[] } {
  const plan = new LoadPlan(target);
  for (const { commitKey, commit } of batches) plan.add(commitKey, commit);
  const load = plan.load({ from: LOG_BEGINNING, to: { segment: 2, index: 0 } }, now);
  return { load, files: [...plan.files(load, BUCKET)] };
}

/** A loader by the fixture's clock, and what it is given to load. */
export class LoaderRig {
  now = new Date("2026-11-21T10:05:00Z");
  targets: Target[];
  limits: TickLimits | undefined;
  /** Types of the configuration, where there are others than those of the tables. */
  known: KnownTypes | undefined;
  loadTimeoutMinutes: number | undefined;
  /** When ticks are to come to an end. */
  until: Date | undefined;
  readonly logged: { message: string; fields: object }[] = [];
  /** True for the moment, "before submit ..." or "after submit ...", at which the loader is to die. */
  diesAt: ((step: string) => boolean) | undefined;
  readonly rig: Rig;
  readonly log: LogFixture;
  /** Puts what is committed into the log, before each tick. */
  sequence: () => Promise<unknown> = () => this.log.sequence();
  #isGranted = false;

  constructor(rig: Rig, targets: Target[]) {
    this.rig = rig;
    this.log = new LogFixture(rig.s3, BUCKET);
    this.targets = targets;
  }

  /** An empty lake and an empty warehouse, whose administrator has made the schemas. */
  async reset(): Promise<void> {
    const { Contents } = await this.rig.s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    const Objects = (Contents ?? []).map(({ Key }) => ({ Key: Key! }));
    if (Objects.length > 0) {
      await this.rig.s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
    }
    await this.#settled();
    for (const schema of ["logs", "weir"]) {
      await this.rig.warehouse.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await this.rig.warehouse.query(`CREATE SCHEMA ${schema}`);
    }
    await this.rig.warehouse.query("TRUNCATE redshift.sys_load_error_detail");
    this.#isGranted = true;
    this.diesAt = undefined;
    this.limits = undefined;
    this.known = undefined;
    this.loadTimeoutMinutes = undefined;
    this.until = undefined;
    this.log.reset();
    this.logged.length = 0;
    this.now = new Date("2026-11-21T10:05:00Z");
  }

  /**
   * Resolves once the warehouse has done what a test left under way: dropping its tables may lock the two out of each
   * other. Asked of the Data API, as what it has only just taken has no session yet.
   */
  async #settled(): Promise<void> {
    const { redshift } = this.rig;
    for (;;) {
      const { Statements = [] } = await redshift.send(new ListStatementsCommand({ Status: "ALL" }));
      const running = Statements.find(({ Status }) => Status === "SUBMITTED" || Status === "STARTED");
      if (!running) return;
      await this.rig.describe(running.Id!);
    }
  }

  async commit(...batches: Batch[]): Promise<void> {
    for (const { commitKey, commit, objects } of batches) {
      for (const { key, body } of objects) await this.rig.put(key, body);
      await this.rig.put(commitKey, JSON.stringify(commit));
    }
  }

  async tick(scheduled = true): Promise<TickReport> {
    await this.#grant();
    await this.sequence();
    return tick(this.#parts(), scheduled);
  }

  /** What an operator asks, as the function answers it. */
  async command<R extends LoaderRequest>(command: R): Promise<LoaderAnswer<R["command"]>> {
    const answered: object = await answer(command, this.#parts());
    return answered as LoaderAnswer<R["command"]>;
  }

  #parts(): TickParts {
    const life = { over: false };
    const log = (message: string, fields: object) => void this.logged.push({ message, fields });
    return {
      targets: this.targets,
      saved: this.#mortal(savedState(this.rig.s3, BUCKET), life),
      commitLog: this.#mortal(new CommitLog(this.rig.s3, BUCKET), life),
      lake: this.#mortal(new Lake(this.rig.s3, BUCKET), life),
      api: this.#mortal(new DataApi(this.rig.redshift, { workgroup: WORKGROUP, database: DATABASE }), life),
      storage: { bucket: BUCKET, copyRoleArn: "arn:aws:iam::000000000000:role/copy" },
      now: () => this.now,
      log: { info: log, warn: log, error: log },
      ...(this.limits ? { limits: this.limits } : {}),
      ...(this.loadTimeoutMinutes === undefined ? {} : { loadTimeoutMinutes: this.loadTimeoutMinutes }),
      ...(this.until ? { until: this.until } : {}),
      ...(this.known ? { known: this.known } : {}),
    };
  }

  /** What an administrator does before the first tick, where nobody has reset the warehouse. */
  async #grant(): Promise<void> {
    if (this.#isGranted) return;
    this.#isGranted = true;
    for (const schema of new Set(["weir", ...this.targets.map((target) => target.schema)])) {
      await this.rig.warehouse.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    }
  }

  /** Ticks, each after the last one's statements have ended, until no load is open. */
  async drain(): Promise<void> {
    for (let ticks = 0; ticks < 20; ticks++) {
      await this.tick();
      if (!(await this.#awaitOpen())) return;
      this.now = new Date(this.now.getTime() + 60_000);
    }
    throw new Error(`still loading: ${JSON.stringify(this.logged.slice(-3))}`);
  }

  /** Drains until nothing waits, whatever was set aside or left for another tick. */
  async settle(): Promise<void> {
    for (let drains = 0; drains < 100; drains++) {
      await this.drain();
      const { unreadable, behind = [] } = await this.tick();
      if (unreadable === 0 && behind.length === 0) return;
    }
    throw new Error(`still waiting: ${JSON.stringify(this.logged.slice(-3))}`);
  }

  /** Ticks until no table has an erasure that runs or is to be made. */
  async erased(): Promise<void> {
    for (let ticks = 0; ticks < 20; ticks++) {
      await this.tick();
      const running = Object.values((await this.state()).tables).flatMap(
        ({ erasures }) => erasures?.running ?? [],
      );
      for (const { statementId } of running) await this.rig.describe(statementId);
      if (running.length === 0) return;
    }
    throw new Error(`still erasing: ${JSON.stringify(this.logged.slice(-3))}`);
  }

  async state(): Promise<LoaderState> {
    return savedState(this.rig.s3, BUCKET).read();
  }

  /** Waits for the statements of open loads, and of erasures. @returns whether a load is open */
  async #awaitOpen(): Promise<boolean> {
    const tables = Object.values((await this.state()).tables);
    const open = tables.flatMap(({ load }) => load ?? []);
    const erasing = tables.flatMap(({ erasures }) => erasures?.running ?? []);
    for (const { statementId } of [...open, ...erasing]) {
      if (statementId !== undefined) await this.rig.describe(statementId);
    }
    return open.length > 0;
  }

  rows(table = "photo"): Promise<{ _src: string; _off: string; note: string | null }[]> {
    return this.rig.warehouse.query(`SELECT _src, _off, note FROM logs.${table} ORDER BY _src, _off`);
  }

  loads(): Promise<{ path: string; rows_staged: string; rows_inserted: string }[]> {
    return this.rig.warehouse.query(
      "SELECT path, rows_staged, rows_inserted FROM weir.loads ORDER BY path, rows_staged, rows_inserted",
    );
  }

  async keys(prefix: string): Promise<string[]> {
    const { Contents } = await this.rig.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }));
    return (Contents ?? []).map(({ Key }) => Key!);
  }

  /** The part as it is, until the call at which the loader is to die: nothing works after that. */
  #mortal<T extends object>(part: T, life: { over: boolean }): T {
    const live = (moment: string): void => {
      life.over ||= this.diesAt?.(moment) ?? false;
      if (life.over) throw new Error(`the loader died ${moment}`);
    };
    return new Proxy(part, {
      get: (part, name) => {
        const value: unknown = Reflect.get(part, name, part);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const step = `${String(name)} ${String(args[0])}`;
          live(`before ${step}`);
          const result: unknown = Reflect.apply(value, part, args);
          if (!(result instanceof Promise)) return result;
          return result.then((answer: unknown) => {
            live(`after ${step}`);
            return answer;
          });
        };
      },
    });
  }
}
