import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { runTests } from "../../ops/tests/run.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const TYPES = [
  {
    name: "web",
    parse: { format: "csv", fields: ["status", "path", "more"], more: "extra" },
    skip: { comments: ["#"] },
    columns: [
      { name: "status", type: "smallint", nullable: false },
      { name: "path", type: "varchar(200)" },
    ],
  },
  {
    name: "java",
    parse: { format: "regex", pattern: String.raw`^(?<time>\w{3} \d+ \d\d:\d\d:\d\d) (?<message>[\s\S]*)$` },
    time: { field: "time", format: "syslog" },
    columns: [
      { name: "message", type: "varchar(2000)" },
      { name: "host", field: "_host", type: "varchar(99)", nullable: false },
      { name: "file", field: "_path", type: "varchar(99)" },
      { name: "zone", field: "_labels.zone", type: "varchar(9)" },
    ],
  },
];

let base: string;
let folders = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "weir-test-"));
});
afterAll(() => rm(base, { recursive: true }));

/** A folder of tests, and what weir test makes of it. */
async function folderOf(files: Readonly<Record<string, string>>, types: readonly object[] = TYPES) {
  const folder = join(base, `${folders++}`);
  await mkdir(folder);
  const config = `${folder}.config.json`;
  await writeFile(config, JSON.stringify({ types }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return {
    run: (options: { update?: true; allTypes?: true; junit?: string } = {}) =>
      runTests(folder, { config, ...options }, loadConfig),
    text: (name: string) => readFile(join(folder, name), "utf8"),
    write: (name: string, text: string) => writeFile(join(folder, name), text),
  };
}

describe("weir test", () => {
  test("passes on the repository's own, which have every log type of the sample", async () => {
    const options = { config: join(ROOT, "weir.config.ts"), allTypes: true } as const;
    const { ok, text } = await runTests(join(ROOT, "tests"), options, loadConfig);
    expect(ok, text).toBe(true);
  });

  test("writes what is expected, and tells later what differs, column by column", async () => {
    const files = { "web/a.log": "200,/a,x\n# no event\n404,/b,x,y\nboom,/c,x\n" };
    const { run, text, write } = await folderOf(files);
    expect(await run()).toMatchObject({
      ok: false,
      text: expect.stringContaining("FAIL web/a.log: nothing is expected"),
    });
    const written = await run({ update: true });
    expect(written).toMatchObject({
      ok: true,
      text: "ok   web/a.log: 2 rows, 1 rejected, 1 filtered, written\n1 test, none failed",
    });
    const expected = await text("web/a.expected.jsonl");
    expect(expected.split("\n")[1]).toBe('{"_filtered":true}');
    expect(expected.split("\n")[3]).toBe('{"_rejected":{"reason":"type","field":"status"}}');
    expect(await run()).toMatchObject({
      ok: true,
      text: "ok   web/a.log: 2 rows, 1 rejected, 1 filtered\n1 test, none failed",
    });

    await write(
      "web/a.expected.jsonl",
      expected.replace("404", "403").replace('"x"', '"z"').replace('"field":"status"', '"field":"path"'),
    );
    const { ok, text: told } = await run();
    expect(ok).toBe(false);
    expect(told).toBe(
      [
        "FAIL web/a.log: 3 of 4 events differ",
        "  line 1: 200,/a,x",
        "    COLUMN       EXPECTED  GOT",
        '    _extra.more  "z"       "x"',
        "  line 3: 404,/b,x,y",
        "    COLUMN  EXPECTED  GOT",
        "    status  403       404",
        "  line 4: boom,/c,x",
        "    COLUMN     EXPECTED                          GOT",
        '    _rejected  {"reason":"type","field":"path"}  {"reason":"type","field":"status"}',
        '    "boom" is not a whole number',
        "1 test, 1 failed",
      ].join("\n"),
    );
  });

  test("tells an event too many and too few, a row that was rejected, and where long values begin to differ", async () => {
    const long = "/x".repeat(90);
    const files = {
      "web/many.log": "200,/a,\n200,/b,\n",
      "web/few.log": "200,/a,\n",
      "web/other.log": `x,/a,\n200,${long}y,\n`,
    };
    const { run, text, write } = await folderOf(files);
    await run({ update: true });
    const row = (path: string) => `{"_time":"2026-01-01 00:00:00.000","status":200,"path":"${path}"}\n`;
    await write("settings.json", "{}");
    await write("web/many.expected.jsonl", row("/a"));
    await write("web/few.expected.jsonl", row("/a") + row("/b"));
    await write("web/other.expected.jsonl", row("/a") + row(`${long}z`));
    const { text: told } = await run();
    expect(told).toContain('line 2: 200,/b,\n    one event more than expected: a row: {"_time":');
    expect(told).toContain('at the end\n    one event less than expected: a row: {"_time":');
    expect(told).toMatch(
      /line 1: x,\/a,\n {4}expected a row: .*\n {4}got {6}a reject: type, status, "x" is not a whole number\n/,
    );
    expect(told).toMatch(/ {4}path {4}…[x/]{30}z" +…[x/]{30}y"\n/);
    expect(await text("settings.json")).toBe("{}");
  });

  test("joins lines, and takes arrival, host, labels and path from the folder: any day gives the same rows", async () => {
    const files = {
      "java/trace.log": "Dec 30 10:00:00 boom\n\tat a.B\nJan  2 10:00:01 ok\n",
      "settings.json": JSON.stringify({
        arrivedAt: "2027-01-02T12:00:00Z",
        host: "web-1",
        labels: { zone: "a" },
        start: { java: String.raw`^[A-Z][a-z]{2} [ \d]\d ` },
      }),
    };
    const types = structuredClone(TYPES);
    types[1]!.parse.pattern = String.raw`^(?<time>\w{3} [ \d]\d \d\d:\d\d:\d\d) (?<message>[\s\S]*)$`;
    const { run, text } = await folderOf(files, types);
    await run({ update: true });
    const rest = { host: "web-1", file: "java/trace.log", zone: "a" };
    expect(
      (await text("java/trace.expected.jsonl"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toEqual([
      { _time: "2026-12-30 10:00:00.000", message: "boom\n\tat a.B", ...rest },
      { _time: "2027-01-02 10:00:01.000", message: "ok", ...rest },
    ]);
    expect((await run()).ok).toBe(true);
  });

  test("fails where there are no tests, where they have no lines or no type, and on types without one if asked", async () => {
    const none = await folderOf({ "README.md": "nothing" });
    expect(await none.run()).toMatchObject({
      ok: false,
      text: expect.stringContaining("has no tests: put lines into"),
    });
    const { run } = await folderOf({
      "web/a.log": "",
      "web/a.expected.jsonl": "",
      "web/a.txt": "",
      "web/gone.expected.jsonl": "{}\n",
      "wep/b.log": "",
      "web/deeper/c.log": "",
    });
    const { ok, text } = await run({ allTypes: true });
    expect(ok).toBe(false);
    expect(text.split("\n")).toEqual([
      "ok   web/a.log: 0 rows",
      'FAIL wep/b.log: no log type "wep": did you mean "web"?',
      "FAIL web/a.txt: web/a.expected.jsonl is that of web/a.log: give it another name",
      "FAIL web/deeper: a folder in the folder of a type: its files are not run",
      "FAIL web/gone.expected.jsonl: there are no lines to it",
      "FAIL java: a log type without a test",
      "2 tests, 1 failed",
    ]);
    await expect(runTests("/nowhere", { config: join(ROOT, "weir.config.ts") }, loadConfig)).rejects.toThrow(
      "/nowhere cannot be read",
    );
  });

  test("names the line of an expectation that is none, and the setting that is unknown", async () => {
    const { run, write } = await folderOf({
      "web/a.log": "200,/,\n",
      "web/a.expected.jsonl": '{}\n\n{"a": \n',
    });
    await expect(run()).rejects.toThrow(/web\/a\.expected\.jsonl:3: not JSON/);
    await write("settings.json", '{"arivedAt":"2026-11-21T10:00:00Z"}');
    await expect(run()).rejects.toThrow('Unrecognized key: "arivedAt": did you mean "arrivedAt"?');
  });

  test("reports to CI as JUnit XML, whatever is in the lines", async () => {
    const { run } = await folderOf({ "web/a.log": 'x,"<&\u001b]]>",\n', "web/a.expected.jsonl": "{}\n" });
    const junit = join(base, "junit.xml");
    expect((await run({ junit })).ok).toBe(false);
    const xml = await readFile(junit, "utf8");
    expect(xml).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="weir test" tests="1" failures="1" errors="0" time="/,
    );
    expect(xml).toMatch(
      /<testcase classname="web" name="web\/a\.log" time="[\d.]+">\n {6}<failure message="1 of 1 event differ">/,
    );
    expect(xml).toContain(String.raw`line 1: x,"&lt;&amp;\x1b]]&gt;",`);
  });
});
