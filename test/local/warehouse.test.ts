import {
  BatchExecuteStatementCommand,
  CancelStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  ListStatementsCommand,
} from "@aws-sdk/client-redshift-data";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Readable } from "node:stream";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { StatementEvent } from "../../local/warehouse/statement-event.ts";
import { copy as runCopy } from "../../local/warehouse/copy.ts";
import { parseCopy } from "../../local/warehouse/copy-command.ts";
import { removePostgres } from "../../local/warehouse/postgres.ts";
import { startWarehouse } from "../../local/warehouse/warehouse.ts";
import { BUCKET, type Rig, startRig, TARGET } from "./warehouse-fixture.ts";

let rig: Rig;
let hold: Promise<void> | undefined;
const events: StatementEvent[] = [];

beforeAll(async () => {
  rig = await startRig({ onStatementEvent: (event) => events.push(event), beforeCommit: async () => hold });
  await rig.execute(`CREATE TABLE log (
    id bigint ENCODE az64 NOT NULL, name varchar(8) ENCODE zstd, country char(2), at timestamp, doc super, n smallint
  ) DISTSTYLE KEY DISTKEY(id) COMPOUND SORTKEY(at, "id")`);
});
afterAll(() => rig?.[Symbol.asyncDispose]());

const COPY_OPTIONS = "IAM_ROLE 'arn:aws:iam::000000000000:role/copy' JSON 'auto' TIMEFORMAT 'auto'";
const copy = (key: string, more: string, table = "log"): string =>
  `COPY ${table} (id, name, country, at, doc, n) FROM 's3://${BUCKET}/${key}' ${COPY_OPTIONS} ${more} COMPUPDATE OFF STATUPDATE OFF MAXERROR 0`;
const ndjson = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const manifest = (...keys: string[]): string =>
  JSON.stringify({ entries: keys.map((key) => ({ url: `s3://${BUCKET}/${key}`, mandatory: true })) });
const count = async (table: string): Promise<number> =>
  Number((await rig.warehouse.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n);

type Query = (this: Client, ...args: unknown[]) => unknown;

/** Keeps the next statements from committing until the returned function is called. */
function holdStatements(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  return () => {
    hold = undefined;
    resolve();
  };
}

describe("a batch", () => {
  test("that divides by zero is rolled back whole, and its sub-statements say where", async () => {
    await rig.execute("CREATE TABLE whole (n int)");
    const ended = await rig.batch(
      "INSERT INTO whole VALUES (1), (2)",
      "SELECT 1 / CASE WHEN EXISTS (SELECT 1 FROM whole) THEN 0 ELSE 1 END",
      "INSERT INTO whole VALUES (3)",
    );
    expect(ended.Status).toBe("FAILED");
    expect(ended.SubStatements!.map(({ Status }) => Status)).toEqual(["FINISHED", "FAILED", "ABORTED"]);
    expect(ended.SubStatements![0]!.ResultRows).toBe(2);
    expect(ended.SubStatements![1]!.Error).toMatch(/^ERROR: Divide by zero\n {2}Detail: \n.*query:/s);
    expect(ended.Error).toBe(`Query #2 failed with ${ended.SubStatements![1]!.Error}`);
    expect(await count("whole")).toBe(0);
  });

  test("in AUTO_COMMIT keeps what came before and after the failure", async () => {
    await rig.execute("CREATE TABLE parts (n int)");
    const Sqls = ["INSERT INTO parts VALUES (1)", "SELECT 1/0", "INSERT INTO parts VALUES (2)"];
    const { Id } = await rig.redshift.send(
      new BatchExecuteStatementCommand({ ...TARGET, Sqls, ExecutionMode: "AUTO_COMMIT" }),
    );
    expect((await rig.describe(Id!)).Status).toBe("FAILED");
    expect(await count("parts")).toBe(2);
  });

  test("submitted again with its token is the same statement and runs once", async () => {
    await rig.execute("CREATE TABLE once (n int)");
    const input = { ...TARGET, Sqls: ["INSERT INTO once VALUES (1)"], ClientToken: "load-1:0" };
    const first = await rig.redshift.send(new BatchExecuteStatementCommand(input));
    const second = await rig.redshift.send(new BatchExecuteStatementCommand(input));
    expect(second.Id).toBe(first.Id);
    await rig.describe(first.Id!);
    expect(await count("once")).toBe(1);
  });

  test("stays STARTED and invisible while held, then reports its end as an event", async () => {
    await rig.execute("CREATE TABLE held (n int)");
    const release = holdStatements();
    const input = {
      ...TARGET,
      Sqls: ["INSERT INTO held VALUES (1)"],
      WithEvent: true,
      StatementName: "held",
    };
    const { Id } = await rig.redshift.send(new BatchExecuteStatementCommand(input));
    await expect
      .poll(async () => (await rig.redshift.send(new DescribeStatementCommand({ Id }))).Status)
      .toBe("STARTED");
    expect(await count("held")).toBe(0);
    release();
    expect((await rig.describe(Id!)).Status).toBe("FINISHED");
    expect(await count("held")).toBe(1);
    await expect
      .poll(() => events.find(({ detail }) => detail.statementId === Id))
      .toMatchObject({
        source: "aws.redshift-data",
        "detail-type": "Redshift Data Statement Status Change",
        detail: { statementName: "held", state: "FINISHED" },
      });
  });

  test("waits for another's lock and then sees its rows, because the lock comes before the snapshot", async () => {
    await rig.execute("CREATE TABLE lock_it (n int)");
    await rig.execute("CREATE TABLE seen (n int)");
    const release = holdStatements();
    const sqls = ["LOCK lock_it", "INSERT INTO seen SELECT count(*) FROM seen"];
    const first = rig.batch(...sqls);
    const second = rig.batch(...sqls);
    release();
    expect((await first).Status).toBe("FINISHED");
    expect((await second).Status).toBe("FINISHED");
    expect(await rig.warehouse.query("SELECT n FROM seen ORDER BY n")).toEqual([{ n: 0 }, { n: 1 }]);
  });

  test("that is cancelled is ABORTED and leaves nothing", async () => {
    await rig.execute("CREATE TABLE cancelled (n int)");
    const Sqls = ["INSERT INTO cancelled VALUES (1)", "SELECT pg_sleep(600)"];
    const { Id } = await rig.redshift.send(new BatchExecuteStatementCommand({ ...TARGET, Sqls }));
    const running = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'";
    await expect.poll(() => rig.warehouse.query(running)).toHaveLength(1);
    await rig.redshift.send(new CancelStatementCommand({ Id }));
    expect((await rig.describe(Id!)).Status).toBe("ABORTED");
    expect(await count("cancelled")).toBe(0);
  });

  test("whose cancellation PostgreSQL lets pass, as between two queries, is ABORTED all the same", async () => {
    const clients = Client.prototype as unknown as { query: Query };
    const { query } = clients;
    let passed = 0;
    using _lossy = vi.spyOn(clients, "query").mockImplementation(function (this: Client, ...args) {
      const isLost = String(args[0]).includes("pg_cancel_backend") && ++passed === 1;
      return isLost ? Promise.resolve() : query.apply(this, args);
    });
    const Sql = "SELECT pg_sleep(601)";
    const { Id } = await rig.redshift.send(new ExecuteStatementCommand({ ...TARGET, Sql }));
    const running = `SELECT 1 FROM pg_stat_activity WHERE query = '${Sql}'`;
    await expect.poll(() => rig.warehouse.query(running)).toHaveLength(1);
    await rig.redshift.send(new CancelStatementCommand({ Id }));
    expect((await rig.describe(Id!)).Status).toBe("ABORTED");
    expect(passed).toBeGreaterThan(1);
  });
});

describe("COPY", () => {
  const row = (id: number, more: object = {}) => ({ id, name: `n${id}`, country: "de", n: id, ...more });

  test.each([
    ["zstd", zstdCompressSync, "ZSTD"],
    ["gzip", gzipSync, "GZIP"],
  ] as const)("loads a manifest of %s objects", async (codec, compress, option) => {
    await rig.execute(`CREATE TABLE ${codec}_log (LIKE log)`);
    await rig.put(`${codec}/a`, compress(ndjson(row(1), row(2))));
    await rig.put(`${codec}/b`, compress(ndjson(row(3, { at: "2026-11-21 10:00:00.123", unknown: 1 }))));
    await rig.put(`${codec}/m`, manifest(`${codec}/a`, `${codec}/b`));
    const ended = await rig.batch(
      copy(`${codec}/m`, `MANIFEST ${option}`, `${codec}_log`),
      "SELECT 1 / CASE WHEN pg_last_copy_count() = 3 THEN 1 ELSE 0 END",
    );
    expect(ended).toMatchObject({ Status: "FINISHED" });
    expect(await rig.warehouse.query(`SELECT id, at::text FROM ${codec}_log ORDER BY id`)).toEqual([
      { id: "1", at: null },
      { id: "2", at: null },
      { id: "3", at: "2026-11-21 10:00:00.123" },
    ]);
  });

  test("keeps tabs, backslashes, SUPER documents and numbers beyond a double's digits", async () => {
    await rig.execute("CREATE TABLE kept (LIKE log)");
    const doc = { a: [1, "x\ty"], b: "\\N" };
    await rig.put(
      "kept",
      `{"id":9007199254740993,"name":"\\\\N\\t\\n","doc":${JSON.stringify(doc)}}\n{"id":2,"doc":"\\u00e4"}`,
    );
    expect((await rig.execute(copy("kept", "", "kept"))).Error).toBeUndefined();
    expect(await rig.warehouse.query("SELECT id, name, doc, country FROM kept ORDER BY id DESC")).toEqual([
      { id: "9007199254740993", name: "\\N\t\n", doc, country: null },
      { id: "2", name: null, doc: "ä", country: null },
    ]);
  });

  test.each([
    ["more bytes than the column holds", { name: "ääääa" }, "name", 1204, "String length exceeds DDL length"],
    [
      "more than one byte a CHAR",
      { country: "ä" },
      "country",
      1215,
      "Multibyte character not supported for CHAR",
    ],
    ["a number out of range", { n: 70_000 }, "n", 1207, 'value "70000" is out of range for type smallint'],
  ])("refuses %s, names file and line, and loads nothing", async (_, field, column, code, message) => {
    const before = await count("log");
    const key = `bad/${column}`;
    await rig.put(`${key}/1`, zstdCompressSync(ndjson(row(1), row(2))));
    await rig.put(`${key}/2`, zstdCompressSync(ndjson(row(3), row(4), row(5, field))));
    await rig.put(`${key}/m`, manifest(`${key}/1`, `${key}/2`));
    const ended = await rig.batch("SELECT 1", copy(`${key}/m`, "MANIFEST ZSTD"));
    expect(ended.SubStatements![1]!.Error).toBe(
      "ERROR: Load into table 'log' failed.  Check 'sys_load_error_detail' system table for details.",
    );
    const queryId = ended.SubStatements![1]!.RedshiftQueryId;
    expect(
      await rig.warehouse.query("SELECT * FROM sys_load_error_detail WHERE query_id = $1", [queryId]),
    ).toMatchObject([
      {
        file_name: `s3://${BUCKET}/${key}/2`,
        line_number: "3",
        column_name: column,
        error_code: code,
        error_message: message,
      },
    ]);
    expect(await count("log")).toBe(before);
  });

  test("fails when a mandatory object is missing, or is not what its codec says", async () => {
    await rig.put("missing/m", manifest("missing/nowhere"));
    expect((await rig.execute(copy("missing/m", "MANIFEST ZSTD"))).Error).toMatch(
      /NoSuchKey.*missing\/nowhere/,
    );
    await rig.put("plain/a", ndjson(row(1)));
    expect((await rig.execute(copy("plain/a", "ZSTD"))).Error).toMatch(/plain\/a is not zstd/);
  });

  test("with MAXERROR leaves out what does not fit, and tells all of it", async () => {
    const object = "s3://".concat(BUCKET, "/errors/a");
    const rows = [
      row(1),
      row(2, { country: "DEU" }),
      row(3, { id: "three" }),
      row(4, { at: "now and then" }),
      row(5),
    ];
    await rig.put("errors/a", ndjson(...rows));
    const { SubStatements } = await rig.batch(
      "CREATE TEMP TABLE tried (LIKE log)",
      copy("errors/a", "").replace("COPY log", "COPY tried").replace("MAXERROR 0", "MAXERROR 10"),
      "SELECT 1 / CASE WHEN pg_last_copy_count() = 5 THEN 1 ELSE 0 END",
    );
    expect(SubStatements!.map(({ Status }) => Status)).toEqual(["FINISHED", "FINISHED", "FAILED"]);
    expect(SubStatements![1]!.ResultRows).toBe(2);
    const sql = `SELECT file_name, line_number FROM redshift.sys_load_error_detail WHERE query_id = ${SubStatements![1]!.RedshiftQueryId} ORDER BY 2`;
    expect(await rig.warehouse.query(sql)).toEqual(
      ["2", "3", "4"].map((line_number) => ({ file_name: object, line_number })),
    );
  });

  test("that fails leaves no answer of S3 unread: each would keep one of the client's connections", async () => {
    const objects = Array.from({ length: 12 }, (_, n) => `unread/${String(n).padStart(2, "0")}`);
    for (const key of objects)
      await rig.put(key, ndjson(key.endsWith("03") ? row(1, { n: "none" }) : row(1)));
    const bodies: Readable[] = [];
    const send = async (command: GetObjectCommand) => {
      const answer = await rig.s3.send(command);
      if (answer.Body) bodies.push(answer.Body as Readable);
      return answer;
    };
    const { port, postgres, database } = rig.warehouse;
    const login = { user: postgres.user, password: postgres.password, database };
    const client = new Client({ host: "127.0.0.1", port, ...login });
    await client.connect();
    try {
      const failing = runCopy(parseCopy(copy("unread/", "")), client, { send } as unknown as S3Client);
      await expect(failing).rejects.toThrow("Load into table 'log' failed");
    } finally {
      await client.end();
    }
    expect(bodies.length).toBeGreaterThan(4);
    await expect.poll(() => bodies.filter(({ destroyed }) => !destroyed)).toEqual([]);
  });

  test.each(["TRUNCATECOLUMNS", "ACCEPTINVCHARS", "MAXERROR 10", "CSV"])("refuses %s", async (option) => {
    await rig.put("fine", ndjson(row(1)));
    const sql = `COPY log FROM 's3://${BUCKET}/fine' ${COPY_OPTIONS} ${option}`;
    expect((await rig.execute(sql)).Error).toMatch(/^ERROR: /);
  });
});

describe("the Data API", () => {
  test("returns results with their types, and columns as SVV_COLUMNS has them", async () => {
    const { Id } = await rig.redshift.send(
      new ExecuteStatementCommand({
        ...TARGET,
        Sql: `SELECT column_name, data_type, character_maximum_length, is_nullable = 'YES', NULL
              FROM svv_columns WHERE table_name = 'log' ORDER BY ordinal_position`,
      }),
    );
    await rig.describe(Id!);
    const { Records } = await rig.redshift.send(new GetStatementResultCommand({ Id }));
    const no = { isNull: true };
    expect(Records).toEqual([
      [{ stringValue: "id" }, { stringValue: "bigint" }, no, { booleanValue: false }, no],
      [
        { stringValue: "name" },
        { stringValue: "character varying" },
        { longValue: 8 },
        { booleanValue: true },
        no,
      ],
      [
        { stringValue: "country" },
        { stringValue: "character" },
        { longValue: 2 },
        { booleanValue: true },
        no,
      ],
      [{ stringValue: "at" }, { stringValue: "timestamp without time zone" }, no, { booleanValue: true }, no],
      [{ stringValue: "doc" }, { stringValue: "super" }, no, { booleanValue: true }, no],
      [{ stringValue: "n" }, { stringValue: "smallint" }, no, { booleanValue: true }, no],
    ]);
  });

  test("refuses 41 statements, SQL over 100 KB, unknown workgroups and databases", async () => {
    const send = (input: object, Sqls = ["SELECT 1"]) =>
      rig.redshift.send(new BatchExecuteStatementCommand({ ...TARGET, ...input, Sqls }));
    await expect(send({}, Array(41).fill("SELECT 1"))).rejects.toThrow(/41 statements/);
    await expect(send({}, [`SELECT '${"x".repeat(100_000)}'`])).rejects.toThrow(/at most 100000/);
    await expect(send({ WorkgroupName: "other" })).rejects.toMatchObject({ name: "ValidationException" });
    await expect(send({ Database: "other" })).rejects.toThrow(/database "other" does not exist/);
    await expect(rig.describe("00000000-0000-0000-0000-000000000000")).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });

  test("lists statements by name, newest first", async () => {
    for (const n of [1, 2]) {
      const StatementName = `listed-${n}`;
      await rig.redshift.send(new ExecuteStatementCommand({ ...TARGET, Sql: "SELECT 1", StatementName }));
    }
    const { Statements } = await rig.redshift.send(new ListStatementsCommand({ StatementName: "listed" }));
    expect(Statements!.map((statement) => statement.StatementName)).toEqual(["listed-2", "listed-1"]);
  });
});

test("an S3 that breaks off an object asked for ahead of its turn fails the load, not the host", async () => {
  const server = createServer((request, response) => {
    const key = new URL(request.url!, "http://s3").pathname;
    if (key.endsWith("/m")) return response.end(manifest("slow", "broken"));
    if (key.endsWith("/slow")) return setTimeout(() => response.end(ndjson({ id: 1 })), 300);
    response.writeHead(200, { "content-length": 1_000, "x-amz-checksum-crc32": "AAAAAA==" });
    return response.write("{", () => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using broken = await startRig({ s3: { endpoint: `http://127.0.0.1:${port}` } });
  await broken.execute("CREATE TABLE log (id bigint)");
  const sql = `COPY log (id) FROM 's3://${BUCKET}/m' ${COPY_OPTIONS} MANIFEST`;
  expect((await broken.execute(sql)).Error).toMatch(/s3:\/\/lake\/broken.*aborted/);
  server.close();
});

test("a killed host takes its server along, and the next start finds the rows", async () => {
  const dataDir = `${rig.dataDir}-restarted`;
  const options = { dataDir, s3: { endpoint: "http://127.0.0.1:9" }, workgroup: "local", database: "weir" };
  const module = new URL("../../local/warehouse/warehouse.ts", import.meta.url).href;
  const script = `const { startWarehouse } = await import("${module}");
    const warehouse = await startWarehouse(${JSON.stringify(options)});
    await warehouse.query("CREATE TABLE kept AS SELECT 1 AS n");
    console.log(warehouse.port);
    setInterval(() => {}, 1_000);`;
  const host = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = (await once(host.stdout, "data")) as [Buffer];
  host.kill("SIGKILL");
  await expect.poll(() => connects(Number(port))).toBe(false);
  const again = await startWarehouse(options);
  try {
    expect(await again.query("SELECT n FROM kept")).toEqual([{ n: 1 }]);
  } finally {
    await again.stop();
    await removePostgres(dataDir);
  }
});

test("a server that outlived its host is stopped before the next one starts on its folder", async () => {
  const dataDir = `${rig.dataDir}-taken-over`;
  const options = { dataDir, s3: { endpoint: "http://127.0.0.1:9" }, workgroup: "local", database: "weir" };
  const abandoned = await startWarehouse(options);
  const again = await startWarehouse(options);
  try {
    expect(await connects(abandoned.port)).toBe(false);
    expect(await again.query("SELECT 1 AS n")).toEqual([{ n: 1 }]);
  } finally {
    await again.stop();
    await abandoned.stop();
    await removePostgres(dataDir);
  }
});

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
