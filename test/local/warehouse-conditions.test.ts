import {
  BatchExecuteStatementCommand,
  type BatchExecuteStatementInput,
  CancelStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  ListStatementsCommand,
  RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DataApi } from "../../lambdas/loader/data-api.ts";
import type { StatementEvent } from "../../local/warehouse/statement-event.ts";
import { DATABASE, type Rig, startRig, TARGET, WORKGROUP } from "./warehouse-fixture.ts";

let rig: Rig;
let hoursLater = 0;
const events: StatementEvent[] = [];

beforeAll(async () => {
  rig = await startRig({
    onStatementEvent: (event) => events.push(event),
    now: () => new Date(Date.now() + hoursLater * 3_600_000),
  });
});
afterAll(() => rig?.[Symbol.asyncDispose]());
afterEach(() => {
  const { conditions } = rig.warehouse;
  conditions.wake();
  conditions.fault = () => undefined;
  conditions.delivery = () => [0];
  conditions.slowMs = 0;
  conditions.comments = "left out";
  conditions.changedSql = "refused";
  conditions.isolation = "snapshot";
  events.length = 0;
});

const submit = async (input: Partial<BatchExecuteStatementInput>): Promise<string> =>
  (await rig.redshift.send(new BatchExecuteStatementCommand({ ...TARGET, Sqls: ["SELECT 1"], ...input })))
    .Id!;
const statusOf = async (Id: string) => (await rig.redshift.send(new DescribeStatementCommand({ Id }))).Status;

describe("a ClientToken", () => {
  test("with other SQL is refused, or stands for the former statement, as a test chooses", async () => {
    const first = await submit({ ClientToken: "t1", Sqls: ["SELECT 1"] });
    expect(await submit({ ClientToken: "t1", Sqls: ["SELECT 1"] })).toBe(first);
    const other = () => submit({ ClientToken: "t1", Sqls: ["SELECT 2"] });
    await expect(other()).rejects.toMatchObject({ name: "ValidationException" });
    rig.warehouse.conditions.changedSql = "former statement";
    expect(await other()).toBe(first);
  });

  test("is forgotten after 8 hours, and the statement after 24", async () => {
    const first = await submit({ ClientToken: "t2" });
    await rig.describe(first);
    hoursLater += 8;
    expect(await submit({ ClientToken: "t2", Sqls: ["SELECT 2"] })).not.toBe(first);
    hoursLater += 17;
    await expect(statusOf(first)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});

test.each([
  [{ ClientToken: "x".repeat(65) }, /'ClientToken'/],
  [{ ClientToken: "" }, /'ClientToken'/],
  [{ StatementName: "x".repeat(501) }, /'StatementName'/],
  [{ WorkgroupName: "ab" }, /'WorkgroupName'/],
  [{ WaitTimeSeconds: 31 }, /'WaitTimeSeconds'/],
  [{ Sqls: [] }, /'Sqls'/],
  [{ Sqls: ["SELECT :a"], Parameters: [] }, /'Parameters'/],
  [{ Sqls: ["SELECT :a"], Parameters: [{ name: "a", value: "" }] }, /'Parameters\.0\.value'/],
  [{ Sqls: ["SELECT 1"], Parameters: [{ name: "a", value: "x" }] }, /a are not used/],
  [{ Sqls: ["SELECT :a, :b"], Parameters: [{ name: "a", value: "x" }] }, /b has no value/],
  [{ SessionKeepAliveSeconds: 10 }, /'SessionKeepAliveSeconds'/],
])("%j is refused by name", async (input, message) => {
  await expect(submit(input)).rejects.toMatchObject({
    name: "ValidationException",
    message: expect.stringMatching(message) as string,
  });
});

test("parameters are values wherever they stand, and nothing in a literal, a cast or a comment is one", async () => {
  const Sqls = ["SELECT :a, ':a', 7::text, /* :a */ :b::int + 1", "SELECT ':b'"];
  const Parameters = [
    { name: "a", value: "it's \\ :b" },
    { name: "b", value: "41" },
  ];
  const id = await submit({ Sqls, Parameters });
  expect((await rig.describe(id)).Error).toBeUndefined();
  const { Records } = await rig.redshift.send(new GetStatementResultCommand({ Id: `${id}:1` }));
  expect(Records).toEqual([
    [{ stringValue: "it's \\ :b" }, { stringValue: ":a" }, { stringValue: "7" }, { longValue: 42 }],
  ]);
});

test("a result comes in pages, and the loader reads all of them", async () => {
  const sql = "SELECT n FROM generate_series(1, 250) AS numbers (n)";
  const { Id } = await rig.redshift.send(new ExecuteStatementCommand({ ...TARGET, Sql: sql }));
  await rig.describe(Id!);
  const page = await rig.redshift.send(new GetStatementResultCommand({ Id }));
  expect([page.Records!.length, page.TotalNumRows, page.NextToken]).toEqual([100, 250, "100"]);
  const beyond = new GetStatementResultCommand({ Id, NextToken: "300" });
  await expect(rig.redshift.send(beyond)).rejects.toMatchObject({ name: "ValidationException" });
  const api = new DataApi(rig.redshift, { workgroup: WORKGROUP, database: DATABASE });
  expect(await api.ask([sql])).toEqual(Array.from({ length: 250 }, (_, i) => [i + 1]));
});

describe("a statement of another role's", () => {
  test("may not be described, read, cancelled or listed", async () => {
    const credentials = { accessKeyId: "another", secretAccessKey: "another" };
    const { endpoint } = rig.warehouse;
    const other = new RedshiftDataClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
    const Id = await submit({ StatementName: "mine", ClientToken: "shared" });
    await rig.describe(Id);
    const denied = { name: "AccessDeniedException" };
    await expect(other.send(new DescribeStatementCommand({ Id }))).rejects.toMatchObject(denied);
    await expect(other.send(new GetStatementResultCommand({ Id }))).rejects.toMatchObject(denied);
    await expect(other.send(new CancelStatementCommand({ Id }))).rejects.toMatchObject(denied);
    expect((await other.send(new ListStatementsCommand({ StatementName: "mine" }))).Statements).toEqual([]);
    // Nor does its token mean anything for them.
    const input = { ...TARGET, Sqls: ["SELECT 2"], ClientToken: "shared" };
    expect((await other.send(new BatchExecuteStatementCommand(input))).Id).not.toBe(Id);
    other.destroy();
  });
});

describe("the API", () => {
  test.each([
    ["throttled", "ThrottlingException"],
    ["unavailable", "InternalServerException"],
    ["too-many-sessions", "ActiveSessionsExceededException"],
  ] as const)("that is %s says so and does nothing", async (fault, name) => {
    const before = (await rig.redshift.send(new ListStatementsCommand({}))).Statements!.length;
    rig.warehouse.conditions.fault = (operation) =>
      operation === "BatchExecuteStatement" ? fault : undefined;
    await expect(submit({})).rejects.toMatchObject({ name });
    expect((await rig.redshift.send(new ListStatementsCommand({}))).Statements).toHaveLength(before);
  });

  test.each([
    ["lost-request", 0],
    ["lost-answer", 1],
  ] as const)("whose connection breaks with a %s has run the statement %i times", async (fault, times) => {
    const table = `broken_${times}`;
    await rig.execute(`CREATE TABLE ${table} (n int)`);
    rig.warehouse.conditions.fault = () => fault;
    const Sqls = [`INSERT INTO ${table} VALUES (1)`];
    await expect(submit({ Sqls, ClientToken: table, WaitTimeSeconds: 30 })).rejects.toThrow();
    rig.warehouse.conditions.fault = () => undefined;
    expect(await rig.warehouse.query(`SELECT n FROM ${table}`)).toHaveLength(times);
    // The answer that was lost is there for who asks again with the token.
    await rig.describe(await submit({ Sqls, ClientToken: table }));
    expect(await rig.warehouse.query(`SELECT n FROM ${table}`)).toHaveLength(1);
  });
});

describe("a warehouse", () => {
  test("that is paused ends what runs, takes nothing, and tells of what it ran", async () => {
    const running = await submit({ Sqls: ["SELECT pg_sleep(600)"] });
    await expect.poll(() => statusOf(running)).toBe("STARTED");
    rig.warehouse.conditions.pause();
    expect((await rig.describe(running)).Status).toBe("ABORTED");
    await expect(submit({})).rejects.toThrow(/endpoint doesn't exist/);
    rig.warehouse.conditions.wake();
    expect((await rig.describe(await submit({}))).Status).toBe("FINISHED");
  });

  test("that sleeps keeps what comes until it is awake, unless it is cancelled", async () => {
    rig.warehouse.conditions.sleep();
    const [one, other] = [await submit({}), await submit({})];
    await rig.redshift.send(new CancelStatementCommand({ Id: other }));
    expect((await rig.describe(other)).Status).toBe("ABORTED");
    expect(await statusOf(one)).toBe("SUBMITTED");
    rig.warehouse.conditions.wake();
    expect((await rig.describe(one)).Status).toBe("FINISHED");
  });

  test("that is slow can be waited for, and what hangs there be cancelled", async () => {
    rig.warehouse.conditions.slowMs = 3_600_000;
    const id = await submit({ Sqls: ["SELECT 1", "SELECT 2"] });
    await expect.poll(() => statusOf(id)).toBe("STARTED");
    await rig.redshift.send(new CancelStatementCommand({ Id: id }));
    expect((await rig.describe(id)).Status).toBe("ABORTED");
    rig.warehouse.conditions.slowMs = 20;
    expect((await rig.batch("SELECT 1", "SELECT 2")).Duration).toBeGreaterThanOrEqual(39e6);
  });
});

test("an event is lost, doubled or late", async () => {
  const { conditions } = rig.warehouse;
  const told = async (StatementName: string): Promise<string> => {
    const id = await submit({ StatementName, WithEvent: true });
    await rig.describe(id);
    return id;
  };
  conditions.delivery = () => [];
  await told("lost");
  conditions.delivery = () => [0, 0];
  const doubled = await told("doubled");
  conditions.delivery = () => [300];
  const at = performance.now();
  await told("late");
  const names = () => events.map(({ detail }) => detail.statementName);
  await expect.poll(names).toEqual(["doubled", "doubled", "late"]);
  expect(performance.now() - at).toBeGreaterThan(290);
  expect(events[0]).toMatchObject({ detail: { statementId: doubled, state: "FINISHED" } });
});

test("sub-statements are shown without the comments that they begin with, unless a test wants them", async () => {
  const { Id, SubStatements } = await rig.batch("/* weir: one */ SELECT 1 /* x */", "-- two\nSELECT 1/0");
  expect(SubStatements!.map(({ QueryString }) => QueryString)).toEqual(["SELECT 1 /* x */", "SELECT 1/0"]);
  rig.warehouse.conditions.comments = "kept";
  expect((await rig.describe(`${Id}:1`)).QueryString).toBe("/* weir: one */ SELECT 1 /* x */");
});

describe("what Redshift says", () => {
  test("of a division by zero depends on the node that had it", async () => {
    await rig.execute("CREATE TABLE numbers_of_mine (n int)");
    await rig.execute("INSERT INTO numbers_of_mine VALUES (0)");
    expect((await rig.execute("SELECT 1/0")).Error).toBe("ERROR: division by zero");
    expect((await rig.execute("SELECT 1/count(*) FROM pg_class WHERE relname = ''")).Error).toBe(
      "ERROR: division by zero",
    );
    expect((await rig.execute("SELECT 1/n FROM numbers_of_mine")).Error).toMatch(/^ERROR: Divide by zero\n/);
  });

  test("of two transactions that read what the other writes is 1023, if they are to be serializable", async () => {
    rig.warehouse.conditions.isolation = "serializable";
    await rig.execute("CREATE TABLE ledger_of_all (n int)");
    const locks = (granted: boolean) =>
      rig.warehouse.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted = $1", [granted]);
    // Neither is committed before both have read and written.
    const Id = await submit({ Sqls: ["SELECT pg_advisory_xact_lock(1)", "SELECT pg_sleep(600)"] });
    await expect.poll(() => locks(true)).toHaveLength(1);
    const sqls = [
      "INSERT INTO ledger_of_all SELECT count(*) FROM ledger_of_all",
      "SELECT pg_advisory_xact_lock_shared(1)",
    ];
    const both = Promise.all([rig.batch(...sqls), rig.batch(...sqls)]);
    await expect.poll(() => locks(false)).toHaveLength(2);
    await rig.redshift.send(new CancelStatementCommand({ Id }));
    const ended = await both;
    expect(ended.map(({ Status }) => String(Status)).toSorted()).toEqual(["FAILED", "FINISHED"]);
    const { Error: error } = ended.find(({ Status }) => Status === "FAILED")!;
    expect(error).toMatch(/ERROR: 1023 DETAIL: Serializable isolation violation on table - \d+/);
  });

  test("of a statement over its time is that somebody cancelled it", async () => {
    const { Status, SubStatements } = await rig.batch("SET statement_timeout TO 50", "SELECT pg_sleep(600)");
    expect(Status).toBe("FAILED");
    expect(SubStatements![1]!.Error).toMatch(/^ERROR: Query \(\d+\) cancelled on user's request$/);
  });

  test("of the last COPY's count is 0 after one that failed", async () => {
    await rig.execute("CREATE TABLE counted (n int)");
    await rig.put("counted/good", '{"n":1}\n{"n":2}\n');
    await rig.put("counted/bad", '{"n":"x"}\n');
    const copy = (key: string): string =>
      `COPY counted (n) FROM 's3://lake/counted/${key}' IAM_ROLE 'arn:aws:iam::000000000000:role/copy' JSON 'auto' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF MAXERROR 0`;
    const counts = async (...keys: string[]) => {
      const Sqls = keys.flatMap((key) => [copy(key), "SELECT pg_last_copy_count()"]);
      const id = await submit({ Sqls, ExecutionMode: "AUTO_COMMIT" });
      await rig.describe(id);
      const read = keys.map(async (_, i) => {
        const { Records } = await rig.redshift.send(
          new GetStatementResultCommand({ Id: `${id}:${2 * i + 2}` }),
        );
        return Records![0]![0]!.longValue;
      });
      return Promise.all(read);
    };
    expect(await counts("good", "bad", "good")).toEqual([2, 0, 2]);
    // Of another session, nothing is known.
    const id = await submit({ Sqls: ["SELECT pg_last_copy_count()"] });
    await rig.describe(id);
    expect((await rig.redshift.send(new GetStatementResultCommand({ Id: id }))).Records).toEqual([
      [{ longValue: 0 }],
    ]);
  });
});
