import type { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import type { S3Client } from "@aws-sdk/client-s3";
import { CommitLog } from "../../../lambdas/commit-log/commit-log.ts";
import { answer } from "../../../lambdas/loader/commands/answer.ts";
import { DataApi } from "../../../lambdas/loader/data-api.ts";
import { knownTypes } from "../../../lambdas/loader/held/known-types.ts";
import { Lake } from "../../../lambdas/loader/lake.ts";
import { savedState } from "../../../lambdas/loader/state.ts";
import { beginAnewOnConflict } from "../../../lambdas/loader/state-conflict.ts";
import { targetsOf } from "../../../lambdas/loader/target.ts";
import {
  tick,
  TICK_LIMITS,
  type TickLimits,
  type TickParts,
  type TickReport,
} from "../../../lambdas/loader/tick.ts";
import type { WeirConfig } from "../../../wire/config.ts";
import type { LoaderAnswer, LoaderRequest } from "../../../wire/loader-command.ts";
import { type Bucket, type Invocation, LAKE, never } from "./bucket.ts";
import type { Chance } from "./chance.ts";
import { type Outcome, withinTime } from "./lambda.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { type Statement, Warehouse } from "./warehouse.ts";

const TIMEOUT_MS = 300_000;
const READING_SHARE = 0.6;

/** The loader's Lambda and its warehouse, with the events that one has of the other. */
export class LoaderFunction {
  readonly warehouse: Warehouse;
  config: WeirConfig;
  /** Nobody reaches the warehouse. */
  isAway = false;
  /** Tables take no rows. */
  isRefused = false;
  readonly logged: string[] = [];
  readonly #bucket: Bucket;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #limits: TickLimits;
  readonly #onOutcome: (outcome: Outcome) => void;
  #invocations = 0;

  constructor(
    config: WeirConfig,
    bucket: Bucket,
    time: VirtualTime,
    chance: Chance,
    onOutcome: (outcome: Outcome) => void,
  ) {
    const { random } = chance;
    this.config = config;
    this.#bucket = bucket;
    this.#time = time;
    this.#chance = chance;
    this.#onOutcome = onOutcome;
    this.#limits = { ...TICK_LIMITS, maxCommits: random.int(2, 30), maxSegments: random.int(2, 12) };
    this.warehouse = new Warehouse({
      now: () => time.nowMs,
      read: (key) => bucket.memory.get(key),
      onSubmitted: (statement) => void this.#carryOut(statement),
      refusal: (statement, sql) => this.#refusal(statement, sql),
    });
  }

  /** What the schedule does. */
  async invoke(): Promise<readonly Outcome[]> {
    const isDoubled = this.#chance.hits("loader-doubled");
    return Promise.all(Array.from({ length: isDoubled ? 2 : 1 }, () => this.#run(true)));
  }

  async #run(scheduled: boolean): Promise<Outcome> {
    const name = `loader ${++this.#invocations}${scheduled ? "" : " at an event"}`;
    const timeoutMs = this.#chance.hits("loader-killed", name) ? this.#chance.random.int(5, 800) : TIMEOUT_MS;
    const outcome = await withinTime(name, timeoutMs, this.#time, (invocation) =>
      this.#tick(invocation, scheduled),
    );
    this.#onOutcome(outcome);
    return outcome;
  }

  /** As lambdas/loader/handler.ts does. */
  #tick(invocation: Invocation, scheduled: boolean): Promise<TickReport> {
    const s3 = this.#bucket.client(() => invocation);
    const parts = this.#parts(s3, this.#client(invocation));
    return beginAnewOnConflict(() => tick(parts, scheduled));
  }

  /** What an operator asks, once nothing fails any more. */
  async command<R extends LoaderRequest>(request: R): Promise<LoaderAnswer<R["command"]>> {
    const parts = this.#parts(this.#bucket.memory.client(), this.warehouse.client);
    const answered: object = await answer(request, parts);
    return answered as LoaderAnswer<R["command"]>;
  }

  #parts(s3: S3Client, redshift: RedshiftDataClient): TickParts {
    const { config } = this;
    const tell = (message: string, fields: object): void =>
      void this.logged.push(`${message} ${JSON.stringify(fields)}`);
    return {
      targets: targetsOf(config),
      known: knownTypes(config),
      limits: this.#limits,
      until: new Date(this.#time.nowMs + TIMEOUT_MS * READING_SHARE),
      saved: savedState(s3, LAKE),
      commitLog: new CommitLog(s3, LAKE),
      lake: new Lake(s3, LAKE),
      api: new DataApi(redshift, { workgroup: "local", database: "weir" }),
      storage: { bucket: LAKE, copyRoleArn: "arn:aws:iam::000000000000:role/copy" },
      now: () => new Date(this.#time.nowMs),
      log: { info: tell, warn: tell, error: tell },
    };
  }

  #client(invocation: Invocation): RedshiftDataClient {
    const send = async (command: object): Promise<unknown> => {
      const where = `${invocation.name} ${command.constructor.name.replace("Command", "")}`;
      await this.#time.sleep(this.#chance.random.int(5, 60));
      if (invocation.isDead) return never();
      if (this.isAway) throw named("DatabaseConnectionException", "could not establish a connection");
      if (this.#chance.hits("api-throttled", where)) throw named("ThrottlingException", "Rate exceeded");
      const answer = this.warehouse.send(command);
      await this.#time.sleep(this.#chance.random.int(5, 60));
      if (invocation.isDead) return never();
      if (this.#chance.hits("api-answer-lost", where)) throw named("TimeoutError", "socket hang up");
      return answer;
    };
    return { send, destroy: () => {} } as unknown as RedshiftDataClient;
  }

  /** A statement runs for a while, and then EventBridge tells of its end. */
  async #carryOut(statement: Statement): Promise<void> {
    const { random } = this.#chance;
    await this.#time.sleep(random.int(200, 8_000) * (random.chance(0.1) ? 20 : 1));
    this.warehouse.run(statement);
    if (this.#chance.hits("event-lost")) return;
    const copies = this.#chance.hits("event-doubled") ? 2 : 1;
    await this.#time.sleep(random.int(100, 3_000));
    await Promise.all(Array.from({ length: copies }, () => this.#run(false)));
  }

  #refusal({ name, subs }: Statement, sql: string): string | undefined {
    if (name === undefined) return undefined;
    const isLast = subs.at(-1)!.sql === sql;
    if (isLast && this.#chance.hits("load-failed", name))
      return "ERROR: 1023 DETAIL: Serializable isolation violation on table";
    const bringsRows = /^\/\* weir: (?:copy-rows|insert-rows) \*\//.test(sql);
    return this.isRefused && bringsRows ? "ERROR: permission denied for relation" : undefined;
  }
}

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });
