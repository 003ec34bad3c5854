import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import {
  CopyObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { duckdbSql } from "../../ops/schema/lake-sql.ts";
import { runPipeline, sampleStack } from "../end-to-end/pipeline.ts";
import { has, here, kept, run } from "./program.ts";

const DOCUMENT = here("../../docs/lake.md");
const hasPython = has("python3");
const hasJava = has("java", "-version");

/** What a reader says of the rows that it has read, in the words that all of them share. */
interface Said {
  readonly rows: number;
  readonly amount: string;
  readonly users: string;
  readonly first: string;
}

/** Each prints what its snippet's `rows` hold. */
const PRINT: Readonly<Record<string, string>> = {
  pandas: `
import decimal, json
amounts = rows["amount"].map(decimal.Decimal, na_action="ignore").dropna()
print(json.dumps({"rows": len(rows), "amount": str(sum(amounts)), "users": str(rows["user_id"].sum()),
  "first": str(rows["_time"].min().tz_localize(None))[:23]}))`,
  Polars: `
import json
print(json.dumps({"rows": rows.height, "amount": str(rows["amount"].sum()), "users": str(rows["user_id"].sum()),
  "first": str(rows["_time"].min())[:23]}))`,
  pyarrow: `
import pyarrow.compute as pc
print(__import__("json").dumps({"rows": rows.num_rows, "amount": str(pc.sum(rows["amount"])),
  "users": str(pc.sum(rows["user_id"])), "first": str(pc.min(rows["_time"]))[:23]}))`,
  Spark: `
import json
from pyspark.sql import functions as f
one = rows.agg(f.count("*"), f.sum("amount"), f.sum("user_id"), f.min("_time")).first()
print(json.dumps({"rows": one[0], "amount": str(one[1]), "users": str(one[2]), "first": str(one[3])[:23]}))`,
  "Exactly what the warehouse has": `
seen = {}
for key in keys:
    for row in lines(key):
        seen[row["_src"], row["_off"], row["_crc"]] = row
import decimal
amount = sum(decimal.Decimal(row["amount"]) for row in seen.values() if row.get("amount") is not None)
print(json.dumps({"rows": len(seen), "amount": str(amount), "users": str(sum(row["user_id"] for row in seen.values())),
  "first": min(row["_time"] for row in seen.values())}))`,
};

const DUCKDB = `
import glob, json, os, sys
import duckdb
con = duckdb.connect()
con.sql(f"SET home_directory = '{os.environ['HOME']}'")
extension = glob.glob(f"{sys.prefix}/lib/python3*/site-packages/duckdb_ext/extensions/*/*/httpfs.duckdb_extension")[0]
con.sql(f"INSTALL '{extension}'")
*statements, rejected = json.load(sys.stdin)
for sql in statements:
    con.sql(sql)
assert "unparsed" in [row[0] for row in con.sql(rejected).fetchall()], con.sql(rejected)
one = con.sql('SELECT count(*), sum(amount), sum(user_id), min(_time) FROM "user"').fetchone()
print(json.dumps({"rows": one[0], "amount": str(one[1]), "users": str(one[2]), "first": str(one[3])[:23]}))`;

/** Readers of what commits name, and pyarrow, which refuses a column of numbers and texts. */
const COMMITTED = ["pyarrow", "Exactly what the warehouse has"];

let document: string;
/** Answers of the readers, by heading. */
const said = new Map<string, Said>();
let expected: Said;
let copies = 0;

/** The fenced blocks of a language under a heading. */
function blocks(heading: string, language: string): string[] {
  const [, section = ""] = document.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text]) => text!);
}

const python = (requirements: string): Promise<string> =>
  kept(requirements, async (path) => {
    await run("python3", ["-m", "venv", path]);
    await run(join(path, "bin/python"), ["-m", "pip", "install", "-q", "-r", here(requirements)]);
  }).then((path) => join(path, "bin/python"));

async function keysOf(s3: S3Client, Bucket: string, Prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for (let ContinuationToken: string | undefined; ;) {
    const { Contents = [], NextContinuationToken } = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }),
    );
    keys.push(...Contents.map(({ Key }) => Key!));
    ContinuationToken = NextContinuationToken;
    if (ContinuationToken === undefined) return keys;
  }
}

/** A batch that failed for good is in the lake, and in no commit; its number is a text, being beyond 2^53. */
async function fileUncommitted(s3: S3Client, Bucket: string): Promise<void> {
  const [key] = await keysOf(s3, Bucket, "data/type=user/");
  const Key = key!.replace(/[^/]+$/, "shardId-000000000000-1-2-0123456789abcdef.ndjson.zst");
  const Body = zstdCompressSync(`${JSON.stringify(UNCOMMITTED)}\n`);
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
}

const UNCOMMITTED = {
  _time: "2999-01-01 00:00:00.000123",
  _src: "c291cmNlMQ3f",
  _off: 1,
  _crc: 2,
  _arrived_at: "2026-11-27 00:00:00.000",
  user_id: "9007199254740993",
  event: "late",
  amount: "0.01",
};

/** Files some lines twice, as a router does that dies, in objects that no commit names. */
async function copySome(s3: S3Client, Bucket: string): Promise<void> {
  const keys = await keysOf(s3, Bucket, "data/type=user/");
  for (const key of keys.slice(0, 3)) {
    const Key = key.replace(/-[0-9a-f]{16}\./, "-0123456789abcdef.");
    await s3.send(new CopyObjectCommand({ Bucket, CopySource: `${Bucket}/${key}`, Key }));
    copies++;
  }
}

beforeAll(async () => {
  document = await readFile(DOCUMENT, "utf8");
  if (!hasPython) return;
  const interpreter = await python("lake-requirements.txt");
  const spark = hasJava ? await python("lake-spark-requirements.txt") : undefined;
  const home = await mkdtemp(join(tmpdir(), "weir-lake-"));
  await using stack = await sampleStack();
  await runPipeline(stack, 2_000, {
    async onDrained({ s3, deployment, environment, s3Endpoint, warehouse }) {
      const bucket = deployment.lakeBucket;
      await copySome(s3, bucket);
      const [row] = await warehouse!.query<Record<keyof Said, string>>(
        `SELECT count(*) AS rows, sum(amount)::text AS amount, sum(user_id)::text AS users,
                to_char(min(_time), 'YYYY-MM-DD HH24:MI:SS.MS') AS first FROM logs.user_events`,
      );
      expected = { ...row!, rows: Number(row!.rows) };
      const shell = { ...environment, LAKE: `s3://${bucket}`, HOME: home };
      const read = async (name: string): Promise<void> => {
        const input = blocks(name, "python").join("\n") + PRINT[name]!;
        said.set(name, JSON.parse(await run(interpreter, ["-"], { input, environment: shell })) as Said);
      };
      for (const name of COMMITTED) await read(name);
      await fileUncommitted(s3, bucket);
      for (const name of ["pandas", "Polars"]) await read(name);
      const [view, , secret, rejected] = blocks("DuckDB", "sql");
      const sqls = [
        ...secret!.replace("127.0.0.1:9000", new URL(s3Endpoint).host).split(";\n"),
        ...[view!, rejected!].map((sql) => sql.replaceAll("s3://your-lake-bucket", `s3://${bucket}`)),
      ];
      const statements = JSON.stringify(sqls.filter((sql) => sql.trim() !== ""));
      const answered = await run(interpreter, ["-c", DUCKDB], { input: statements, environment: shell });
      said.set("DuckDB", JSON.parse(answered) as Said);
      if (!spark) return;
      await download(s3, bucket, home);
      const snippet = blocks("Spark", "python").join("\n") + PRINT["Spark"]!;
      const printed = await run(spark, ["-"], { input: snippet, environment: { ...shell, LAKE: home } });
      said.set("Spark", JSON.parse(printed.slice(printed.indexOf('{"rows"'))) as Said);
    },
  });
  await rm(home, { recursive: true });
});

async function download(s3: S3Client, Bucket: string, to: string): Promise<void> {
  for (const Key of await keysOf(s3, Bucket, "data/type=user/")) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    await mkdir(dirname(join(to, Key)), { recursive: true });
    await writeFile(join(to, Key), await Body!.transformToByteArray());
  }
}

describe.skipIf(!hasPython)("what docs/lake.md shows reads what the warehouse has (needs python3)", () => {
  test.each(COMMITTED)("%s", (name) => {
    expect(copies).toBe(3);
    expect(expected.rows).toBeGreaterThan(1_500);
    expect(said.get(name)).toEqual(expected);
  });

  test.each(["DuckDB", "pandas", "Polars", "Spark"])("%s, and what is in no commit besides", (name) => {
    if (name === "Spark" && !hasJava) return console.warn("skipped: Spark needs java");
    const { rows, amount, users, first } = expected;
    const cents = Math.round(Number(amount) * 100) + 1;
    expect(said.get(name)).toEqual({
      rows: rows + 1,
      amount: (cents / 100).toFixed(2),
      users: `${BigInt(users) + 9_007_199_254_740_993n}`,
      first,
    });
  });
});

test("the document's view is what weir schema lake prints", async () => {
  await using stack = await sampleStack();
  const user = stack.config.types.find(({ name }) => name === "user")!;
  const printed = duckdbSql({ type: user, lake: "s3://your-lake-bucket" });
  const words = (sql: string): string => sql.replaceAll(/\s+/g, " ").trim();
  expect(words(blocks("DuckDB", "sql")[0]!)).toBe(words(printed));
});
