import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { addToConfig } from "../../ops/infer/add-to-config.ts";
import { infer, type Proposal } from "../../ops/infer/infer.ts";
import { sampleFile } from "../../ops/infer/sample.ts";
import { typeText } from "../../ops/infer/type-text.ts";
import { patternOf } from "../../ops/peek/event-filter.ts";
import { type FileLine, readLines } from "../../ops/try/read-lines.ts";
import { Tally } from "../../ops/try/tally.ts";
import { logTypeSchema } from "../../wire/log-type.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weir-infer-"));
});
afterAll(() => rm(dir, { recursive: true }));

function linesOf(texts: readonly string[]): FileLine[] {
  return texts.map((text, i) => ({ file: "x.log", number: i + 1, offset: i, data: Buffer.from(text) }));
}

const proposed = (texts: readonly string[]): Proposal => infer([linesOf(texts)], { name: "x" });

/** So many lines, each with a time of its own. */
function made(line: (i: number, at: Date) => string | readonly string[], count = 60): string[] {
  const start = Date.parse("2026-11-20T09:59:01.007Z");
  return Array.from({ length: count }, (_, i) => line(i, new Date(start + i * 61_003))).flat();
}

const iso = (at: Date): string => at.toISOString();
const plain = (at: Date): string => iso(at).slice(0, 19).replace("T", " ");
const month = (at: Date): string => at.toLocaleString("en", { month: "short", timeZone: "UTC" });
const syslog = (at: Date): string =>
  `${month(at)} ${`${at.getUTCDate()}`.padStart(2)} ${iso(at).slice(11, 19)}`;
const clf = (at: Date): string =>
  `${`${at.getUTCDate()}`.padStart(2, "0")}/${month(at)}/2026:${iso(at).slice(11, 19)} +0000`;
const weekday = (at: Date): string => at.toLocaleString("en", { weekday: "short", timeZone: "UTC" });
const level = (i: number): string => ["INFO", "WARN", "ERROR"][i % 3]!;

const access = (i: number, at: Date): string =>
  `203.0.113.${i} - ${i % 9 ? "-" : "ada"} [${clf(at)}] "GET /item/${i}?q=a HTTP/1.1" ${i % 4 ? 200 : 404} ${i * 17} "-" "curl/8.${i}"`;
const nginxError = (i: number, at: Date): string =>
  `${plain(at).replaceAll("-", "/")} [error] 31#31: *${i} connect() failed, client: 203.0.113.9, server: _`;

interface Case {
  readonly what: string;
  readonly lines: readonly string[];
  readonly parse: object;
  readonly time?: object;
  readonly columns: object;
}

const CASES: readonly Case[] = [
  {
    what: "an access log",
    lines: made(access),
    parse: { format: "combined" },
    time: { field: "time", format: "clf" },
    columns: {
      host: "varchar(255)",
      status: "smallint",
      bytes: "bigint",
      path: "varchar(8192)",
      agent: "varchar(2048)",
    },
  },
  {
    what: "an access log of nginx's packages",
    lines: made((i, at) => `${access(i, at)} "198.51.100.${i}"`),
    parse: { format: "nginx-main" },
    columns: { x_forwarded_for: "varchar(64)" },
  },
  {
    what: "an access log with more behind the agent",
    lines: made((i, at) => `${access(i, at)} 0.0${i} backend-${i}`),
    parse: { format: "combined", trailing: "keep" },
    columns: { trailing_: "varchar(64)" },
  },
  {
    what: "Docker's JSON with an access log in it",
    lines: made((i, at) => JSON.stringify({ log: `${access(i, at)}\n`, stream: "stdout", time: iso(at) })),
    parse: { format: "combined", from: "log" },
    time: { field: "time", format: "clf" },
    columns: { stream: "varchar(64)", outer_time: "timestamp" },
  },
  {
    what: "Docker's JSON with JSON in most of it, and what containers print before their log begins",
    lines: made((i, at) =>
      JSON.stringify({
        log: `${i % 12 ? JSON.stringify({ level: "info", took: i }) : "Server listening on port 8080"}\n`,
        stream: "stdout",
        time: iso(at),
      }),
    ),
    parse: {
      format: "any",
      of: [
        { format: "json", from: "log" },
        { format: "raw", from: "log" },
      ],
    },
    time: { field: "time", format: "iso8601" },
    columns: { stream: "varchar(64)", level: "varchar(64)", took: "integer", line: "varchar(65535)" },
  },
  {
    what: "Kubernetes' containers with JSON in them",
    lines: made((i, at) => `${iso(at)} stdout F ${JSON.stringify({ level: "info", took: i })}`),
    parse: { format: "json", from: { format: "cri", field: "message" } },
    time: { field: "time", format: "iso8601" },
    columns: { level: "varchar(64)", took: "integer" },
  },
  {
    what: "JSON lines",
    lines: made((i, at) =>
      JSON.stringify({
        "@timestamp": iso(at),
        log: { level: "INFO" },
        message: `order ${i}`,
        user: { id: i * 7_000_001 },
        ratio: i / 7,
        isNew: i % 2 === 0,
        tags: ["a"],
        order: i,
        ...(i % 4 === 0 && { error: "no" }),
      }),
    ),
    parse: { format: "json" },
    time: { field: "@timestamp", format: "iso8601" },
    columns: {
      log_level: "varchar(64)",
      message: "varchar(65535)",
      user_id: "bigint",
      ratio: "double precision",
      isnew: "boolean",
      tags: "super",
      // A reserved word: queries would need quotes.
      order_: "integer",
      error: "varchar(65535)",
    },
  },
  {
    what: "LTSV",
    lines: made((i, at) => `time:${at.getTime()}\tid:${i}\tprice:${i / 4}\tnote:${i % 3 ? "-" : "gift"}`),
    parse: { format: "ltsv" },
    time: { field: "time", format: "epoch-millis" },
    columns: { id: "bigint", price: "double precision", note: "varchar(64)" },
  },
  {
    what: "logfmt",
    lines: made((i, at) => `ts=${at.getTime() / 1_000} level=info msg="took ${i}" dur=${i}ms`),
    parse: { format: "logfmt" },
    time: { field: "ts", format: "epoch-seconds" },
    columns: { level: "varchar(64)", msg: "varchar(65535)", dur: "varchar(64)" },
  },
  {
    what: "CSV with a header",
    lines: [
      "When,order-id,Name,paid",
      ...made((i, at) => `${plain(at)},${i},"Lovelace, ${i}",${i % 2 === 0}`),
    ],
    parse: { format: "csv", fields: ["When", "order-id", "Name", "paid"], header: "skip" },
    time: { field: "When", format: "iso8601" },
    columns: { order_id: "integer", name: "varchar(255)", paid: "boolean" },
  },
  {
    what: "TSV without one",
    lines: made((i, at) => `${iso(at)}\tcamera ${i}\t${i}`),
    parse: { format: "tsv", fields: ["column_1", "column_2", "column_3"] },
    time: { field: "column_1", format: "iso8601" },
    columns: { column_2: "varchar(64)", column_3: "integer" },
  },
  {
    what: "a log that names its fields in a comment",
    lines: [
      "#Version: 1.0",
      "#Fields: date time c-ip cs-uri-stem sc-status",
      ...made((i, at) => `${plain(at)} 203.0.113.9 /a${i} ${i % 2 ? 200 : "-"}`),
    ],
    parse: {
      format: "regex",
      pattern: String.raw`^(?<time>\S+ \S+) (?<c_ip>\S+) (?<cs_uri_stem>\S+) (?<sc_status>\S+)$`,
    },
    time: { field: "time", format: "iso8601" },
    columns: { c_ip: "varchar(64)", cs_uri_stem: "varchar(8192)", sc_status: "smallint" },
  },
  {
    what: "VPC flow logs",
    lines: made(
      (i, at) =>
        `2 123456789010 eni-1a2b 10.0.0.1 10.0.0.2 ${20_000 + i} 22 6 ${i} ${i * 9} ${(at.getTime() / 1e3) | 0} ${(at.getTime() / 1e3) | 0} ACCEPT OK`,
    ),
    parse: { format: "vpc-flow" },
    time: { field: "start", format: "epoch-seconds" },
    columns: { srcaddr: "varchar(64)", bytes: "bigint", dstport: "integer" },
  },
  {
    what: "nginx's error log",
    lines: made(nginxError),
    parse: { format: "nginx-error" },
    time: { field: "time", format: "%Y/%m/%d %H:%M:%S" },
    columns: { level: "varchar(64)", message: "varchar(65535)", client: "varchar(64)" },
  },
  {
    what: "an error log of an Apache of the year 2005",
    lines: made(
      (i, at) => `[${weekday(at)} ${syslog(at)} 2026] [${i % 2 ? "notice" : "error"}] child ${i} is gone\r`,
    ),
    parse: { format: "apache-error" },
    time: { field: "time", format: "%a %b %d %H:%M:%S %Y" },
    columns: { level: "varchar(64)", message: "varchar(65535)" },
  },
  {
    what: "two kinds of lines in one log",
    lines: made((i, at) => (i % 3 ? access(i, at) : nginxError(i, at))),
    parse: { format: "any", of: [{ format: "combined" }, { format: "nginx-error" }] },
    columns: { status: "smallint", level: "varchar(64)" },
  },
  {
    what: "syslog of Linux and of sshd",
    lines: made(
      (i, at) => `${syslog(at)} box ${i % 5 ? `sshd(pam_unix)[${i}]:` : "kernel:"} no login for ${i}\r`,
    ),
    parse: { format: "syslog" },
    time: { field: "time", format: "syslog" },
    columns: { host: "varchar(255)", ident: "varchar(64)", pid: "integer", message: "varchar(65535)" },
  },
  {
    what: "syslog with times of ISO 8601",
    lines: made((i, at) => `${iso(at).replace("Z", "+01:00")} box sshd[${i}]: no login`),
    parse: { format: "syslog" },
    time: { field: "time", format: "iso8601" },
    columns: { host: "varchar(255)" },
  },
  {
    what: "syslog of a host that was upgraded to times of ISO 8601",
    lines: made((i, at) => `${i < 30 ? syslog(at) : iso(at)} box sshd[${i}]: no login`),
    parse: { format: "syslog" },
    time: { field: "time", format: "syslog" },
    columns: { host: "varchar(255)" },
  },
  {
    what: "syslog of RFC 5424",
    lines: made((i, at) => `<14>1 ${iso(at)} box app ${i} ID1 [a@1 b="c"] done ${i}`),
    parse: { format: "rfc5424" },
    time: { field: "time", format: "iso8601" },
    columns: { structured_data_a_1_b: "varchar(64)", severity: "smallint" },
  },
  {
    what: "text with a level, a thread and a class, as Hadoop has it",
    lines: made(
      (i, at) =>
        `${plain(at)},00${i % 10} ${level(i)} [worker ${i % 4} of pool] org.example.Job$Step: step ${i}: done\r`,
    ),
    parse: {
      format: "regex",
      pattern: String.raw`^(?<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?) (?<level>[A-Za-z]+) \[(?<thread>[^\]]*)\] (?<logger>[^\s:\[\]\(\),;\|"=]+):[ \t]*(?<message>[\s\S]*)$`,
    },
    time: { field: "time", format: "iso8601" },
    columns: {
      level: "varchar(64)",
      thread: "varchar(255)",
      logger: "varchar(255)",
      message: "varchar(65535)",
    },
  },
  {
    what: "text with brackets in brackets, as ZooKeeper has it",
    lines: made(
      (i, at) =>
        `${plain(at)},007 - ${level(i).padEnd(5)} [Peer[id=${i % 3}]/0:0:2181:Election@77${i}] - round ${i} - over`,
    ),
    parse: {
      format: "regex",
      pattern: String.raw`^(?<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?) - (?<level>[A-Za-z]+)[ \t]+\[(?<thread>.*?)\] -[ \t]*(?<message>[\s\S]*)$`,
    },
    time: { field: "time", format: "iso8601" },
    columns: { level: "varchar(64)", thread: "varchar(255)", message: "varchar(65535)" },
  },
  {
    what: "text with padded brackets one after the other",
    lines: made((i, at) => `[${iso(at)}][${level(i).padEnd(5)}][o.example.Node      ] [node-1] round ${i}`),
    parse: {
      format: "regex",
      pattern: String.raw`^\[(?<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})? ?(?:Z|[+\-]\d\d:?\d\d))\]\[(?<level>[A-Za-z]+) *\]\[(?<logger>[^\]]*?) *\] \[(?<thread>[^\]]*)\][ \t]*(?<message>[\s\S]*)$`,
    },
    time: { field: "time", format: "iso8601" },
    columns: { level: "varchar(64)", logger: "varchar(255)", thread: "varchar(255)" },
  },
  {
    what: "text with numbers and a letter for the level, and no year",
    lines: made(
      (i, at) =>
        `${iso(at).slice(5, 23).replace("T", " ")}  17${i}  23${i} ${"DIW"[i % 3]} Power: round ${i}`,
    ),
    parse: {
      format: "regex",
      pattern: String.raw`^(?<time>\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})[ \t]+(?<number>\d+)[ \t]+(?<number_2>\d+) (?<level>[A-Za-z]+) (?<name>[^\s:\[\]\(\),;\|"=]+):[ \t]*(?<message>[\s\S]*)$`,
    },
    time: { field: "time", format: "%m-%d %H:%M:%S.%L" },
    columns: { number: "integer", name: "varchar(255)" },
  },
  {
    what: "text with a time, and nothing else in common",
    lines: made(
      (i, at) => `${i % 7}:M ${at.getUTCDate()} ${month(at)} 2026 ${iso(at).slice(11, 23)} * saved ${i}`,
    ),
    parse: {
      format: "regex",
      pattern: String.raw`^(?<prefix>.*?)(?<time>\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{1,12})[ \t]*(?<message>[\s\S]*)$`,
    },
    time: { field: "time", format: "%d %b %Y %H:%M:%S.%L" },
    columns: { prefix: "varchar(64)", message: "varchar(65535)" },
  },
  {
    what: "text",
    lines: made((i) => `the ${["quick", "brown", "lazy"][i % 3]} fox, number ${i}`.slice(i % 3)),
    parse: { format: "raw" },
    columns: { line: "varchar(65535)" },
  },
];

describe("a type is proposed whose rows are all lines of", () => {
  test.each(CASES)("$what", ({ lines, parse, time, columns }) => {
    const { type, tally } = proposed(lines);
    expect(type.parse).toEqual(parse);
    if (time) expect(type.time).toEqual(time);
    expect(Object.fromEntries(type.columns.map(({ name, type }) => [name, type]))).toMatchObject(columns);
    expect(tally.firstRejects).toEqual([]);
    expect(tally.rows + tally.filtered).toBe(lines.length);
  });
});

test("lines that go on with an event are told, with the agent's setting that joins them", () => {
  const trace = [
    "java.lang.IllegalStateException: no",
    "\tat org.example.A.b(A.java:1)",
    "Caused by: x",
    "\t... 3 more",
  ];
  const lines = made((i, at) => [
    `${plain(at)} [main] ${level(i).padEnd(5)} c.e.A - order ${i}`,
    ...(i % 10 ? [] : trace),
  ]);
  const { type, tally, multiLine } = proposed(lines);
  expect(multiLine?.continued).toBe(24);
  // The agent takes it, and it tells the lines apart.
  const start = patternOf("--grep", multiLine!.start);
  expect(lines.filter((line) => start.test(line))).toHaveLength(60);
  expect([tally.rows, tally.rejected]).toEqual([60, 0]);
  expect(tally.firstRows[0]).toMatchObject({ message: ["order 0", ...trace].join("\n"), logger: "c.e.A" });
  expect(type.time).toEqual({ field: "time", format: "iso8601" });
  expect(proposed(made(access)).multiLine).toBeUndefined();
  expect(proposed([...made(access), "  what"]).multiLine).toBeUndefined();
});

test("what is no value, is seldom there or has to be confirmed is said", () => {
  const { type, remarks } = proposed(
    made(
      (i, at) =>
        `when:${plain(at)}\tn:${i % 2 ? i : "-"}\tversion:1.${i % 9}\tzip:0${i}${i % 5 ? "" : "\trare:x"}`,
    ),
  );
  expect(type.nulls).toEqual(["-"]);
  expect(type.columns).toEqual([
    { name: "n", type: "integer" },
    { name: "version", type: "varchar(64)" },
    { name: "zip", type: "varchar(64)" },
    { name: "rare", type: "varchar(64)" },
  ]);
  expect(remarks.time).toContain("name no zone");
  expect([...remarks.columns]).toEqual([
    ["n", "in 50 % of the lines"],
    ["rare", "in 20 % of the lines"],
  ]);
});

test("numbers have the narrowest type that they fit with room, and as many digits as they need", () => {
  const numbers = {
    small: 9,
    status: 503,
    large: 2_999_999,
    user_id: 1,
    wide: "@12345678901234567890",
    ratio: 0.5,
  };
  const lines = made((i) => JSON.stringify({ ...numbers, i }).replace(/"@(\d+)"/, "$1"));
  const { type, tally } = proposed(lines);
  expect(Object.fromEntries(type.columns.map(({ name, type }) => [name, type]))).toEqual({
    small: "integer",
    status: "smallint",
    large: "bigint",
    user_id: "bigint",
    wide: "decimal(38,0)",
    ratio: "double precision",
    i: "integer",
  });
  expect(tally.rows).toBe(60);
});

test("lines that are not UTF-8 are counted, since the agent can convert them", () => {
  const lines = linesOf(made(access));
  const latin = lines.map((line, i) =>
    i % 20 ? line : { ...line, data: Buffer.from(`${line.data.toString()} caf\xe9`, "latin1") },
  );
  expect(infer([latin], { name: "x" }).tally).toMatchObject({ rejected: 3, notUtf8: 3 });
});

test("a few lines of another kind are rejected, and shown with their place", () => {
  const lines = made(access, 400);
  lines[7] = "Segmentation fault";
  const { type, tally } = proposed(lines);
  expect(type.parse).toEqual({ format: "combined" });
  expect([tally.rows, tally.rejected, tally.text()]).toEqual([
    399,
    1,
    "399 of 400 lines become rows, 1 is rejected (0.3 %)",
  ]);
  expect(tally.firstRejects).toMatchObject([{ line: { number: 8 }, misfit: { reason: "unparsed" } }]);
});

test("what is printed is the type, as a configuration takes it", () => {
  const proposal = proposed(made((i, at) => `${plain(at)} ${level(i)} [a\`b\${c] said "${i}"`));
  const text = typeText(proposal);
  expect(text).toContain(String.raw`pattern: String.raw` + "`^(?<time>");
  expect(text).toContain("// To confirm: these times name no zone: UTC is taken.\n");
  // oxlint-disable-next-line no-new-func, no-implied-eval -- it is TypeScript that is a value
  const read = new Function(`return [${text}][0]`)() as object;
  expect(logTypeSchema.parse(read)).toEqual(logTypeSchema.parse(proposal.type));
});

describe("files", () => {
  const count = async (file: string): Promise<number> => (await sampleFile(file)).flat().length;

  test("are read as they are, or packed; one that ends with no line feed has its last line", async () => {
    const text = made(access).join("\r\n");
    const [file, gz, zst] = ["a.log", "a.log.gz", "a.log.zst"].map((name) => join(dir, name));
    await writeFile(file!, text);
    await writeFile(gz!, Buffer.concat([gzipSync(text.slice(0, 999)), gzipSync(text.slice(999))]));
    await writeFile(zst!, zstdCompressSync(text));
    expect([await count(file!), await count(gz!), await count(zst!)]).toEqual([60, 60, 60]);
    await expect(count(join(dir, "none"))).rejects.toThrow("none cannot be read: ENOENT");
    await expect(count(dir)).rejects.toThrow("cannot be read: EISDIR");
    await writeFile(gz!, gzipSync(text).subarray(0, 300));
    await expect(count(gz!)).rejects.toThrow("a.log.gz cannot be read: unexpected end of file");
  });

  test("of any size are looked at in several places, whole lines of each", async () => {
    const file = join(dir, "large.log");
    const line = `${"x".repeat(999)}\n`;
    await writeFile(file, line.repeat(20_000));
    for (const one of [file, join(dir, "large.log.gz")]) {
      if (one !== file) await writeFile(one, gzipSync(await readFile(file), { level: 1 }));
      const lines = (await sampleFile(one)).flat();
      const bytes = lines.reduce((sum, { data }) => sum + data.length, 0);
      expect(bytes).toBeLessThanOrEqual(8 * 2 ** 20);
      expect(lines.every(({ data, offset }) => data.length === 999 && offset % 1_000 === 0)).toBe(true);
      expect(lines.at(-1)!.offset).toBeGreaterThan(19_000_000);
    }
  });

  test("may hold lines larger than any that the router takes", async () => {
    const file = join(dir, "long.log");
    await writeFile(file, `a\n${"y".repeat(11 * 2 ** 20)}\nb\n`);
    const tally = new Tally(
      logTypeSchema.parse({
        name: "x",
        parse: { format: "raw" },
        columns: [{ name: "line", type: "varchar(9)" }],
      }),
      {
        rows: 9,
        rejects: 9,
      },
    );
    for await (const line of readLines(file)) tally.take(line);
    expect(tally.firstRows).toMatchObject([{ line: "a" }, { line: "b" }]);
    expect(tally.firstRejects).toMatchObject([{ misfit: { reason: "too-large" }, line: { number: 2 } }]);
  });
});

test("--write adds the type to the configuration, or leaves it as it was", async () => {
  const file = join(dir, "weir.config.ts");
  const define = JSON.stringify(fileURLToPath(new URL("../../wire/config.ts", import.meta.url)));
  const old = `{ name: "old", parse: { format: "raw" }, columns: [{ name: "line", type: "varchar(9)" }] },`;
  const source = `import { defineConfig } from ${define};\n\nexport default defineConfig({\n  types: [\n    ${old}\n  ],\n});\n`;
  await writeFile(file, source);
  const text = typeText(proposed(made(access)), "    ");
  expect(await addToConfig(file, "x", text, loadConfig)).toContain("has the type x now");
  const written = await readFile(file, "utf8");
  expect(written).toBe(source.replace("  types: [\n", `  types: [\n${text}\n`));
  for (const bad of [
    source.replace("  types: [", "  types: [ //"),
    source.replace(old, old.replace("old", "x")),
  ]) {
    await writeFile(file, bad);
    await expect(addToConfig(file, "x", text, loadConfig)).rejects.toThrow();
    expect(await readFile(file, "utf8")).toBe(bad);
  }
  expect(readdirSync(dir).filter((name) => name.startsWith(".weir"))).toEqual([]);
});

/** Real log files, kept beside the repository, not in it. */
const LOGS = fileURLToPath(new URL("../../../shared/logs/", import.meta.url));

test.skipIf(!existsSync(LOGS))(
  "every line of real logs becomes a row of the type that is proposed for it",
  async () => {
    for (const name of readdirSync(LOGS).filter((name) => name.endsWith(".log"))) {
      const { type, tally } = infer(await sampleFile(join(LOGS, name)), { name: "x" });
      expect({ name, rejected: tally.rejected, lines: tally.lines > 1_999 }).toEqual({
        name,
        rejected: 0,
        lines: true,
      });
      expect({ name, hasTime: type.time !== undefined }).toEqual({ name, hasTime: true });
    }
  },
);
