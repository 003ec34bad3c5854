import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../lib/load-config.ts";
import { checkConfig } from "../../ops/check/run.ts";
import type { FieldProblem } from "../../wire/config.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-check-"));
});
afterAll(() => rm(folder, { recursive: true }));

function weir(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["bin/weir.ts", ...args], { cwd: ROOT }, (error, stdout) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout });
    });
  });
}

describe("weir check", () => {
  test("tells where a configuration imports or names what there is not, and that the sample is right", async () => {
    const [imports, throws] = [join(folder, "imports.ts"), join(folder, "throws.ts")];
    await writeFile(imports, '// first\nimport x from "./wire/confg.ts";\nexport default x;\n');
    await writeFile(throws, "const a = 1;\nexport default { types: [b as never] };\n");
    const [missing, thrown] = await Promise.all(
      [imports, throws].map((file) => weir(["check", "--config", file])),
    );
    const sample = await checkConfig(join(ROOT, "weir.config.ts"), readConfig);
    expect(missing!.stdout).toMatch(/\n {2}line 2, column 15: Cannot find module .*\n1 problem\n$/);
    expect(thrown!.stdout).toMatch(/\n {2}line 2, column 26: b is not defined\n1 problem\n$/);
    expect(missing!.code).toBe(1);
    expect(sample).toMatchObject({ ok: true, json: { problems: [], warnings: [] } });
  });

  test("gives each problem to programs, with its field, its name and its place", async () => {
    const file = join(folder, "wrong.json");
    const type = {
      name: "a",
      parse: { format: "combined" },
      columns: [{ name: "s", field: "staus", type: "int" }],
    };
    await writeFile(file, JSON.stringify({ types: [type] }, undefined, 2));
    const { ok, json } = await checkConfig(file, readConfig);
    expect(ok).toBe(false);
    expect((json as { problems: FieldProblem[] }).problems).toEqual([
      {
        field: "types[0].columns[0].field",
        name: 'types[0] "a" columns[0] "s" field',
        message: 'no field "staus" in this format: did you mean "status"?',
        line: 11,
        column: 11,
      },
      {
        field: "types[0].columns[0].type",
        name: 'types[0] "a" columns[0] "s" type',
        message: "not a column type: write integer",
        line: 12,
        column: 11,
      },
    ]);
  });

  test("warns of what certainly does not do what it looks like", async () => {
    const file = join(folder, "odd.json");
    const types = [
      {
        name: "a",
        match: { tags: ["nginx.*"] },
        parse: { format: "json" },
        columns: [{ name: "x", type: "bigint" }],
      },
      {
        name: "b",
        match: { tags: ["nginx.access.*", "web"] },
        parse: { format: "rfc5424" },
        time: { field: "time", format: "epoch", zone: "UTC" },
        columns: [
          { name: "level", type: "varchar(9)" },
          { name: "data", field: "structured_data", type: "bigint" },
          {
            name: "at",
            field: "time",
            type: "timestamp",
            time: { format: "%Y-%m-%d", abbreviations: { BST: "+01:00" } },
          },
        ],
      },
      { name: "web", parse: { format: "raw" }, columns: [{ name: "line", type: "varchar(9)" }] },
    ];
    await writeFile(file, JSON.stringify({ warehouse: { kind: "new-serverless" }, types }, undefined, 2));
    const { ok, text, json } = await checkConfig(file, readConfig);
    expect(ok, text).toBe(true);
    const { warnings } = json as { warnings: FieldProblem[] };
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      'types[1] "b" match.tags[0]: the tag "nginx.access.*" never comes here: types[0] "a" takes it before',
      'types[2] "web" name: the tag "web" never comes here: types[1] "b" takes it before',
      expect.stringMatching(
        /^types\[1\] "b" columns\[0\] "level" name: NULL in every row: no field "level" in this format/,
      ),
      'types[1] "b" time.zone: times of the format epoch name their own: it is not used',
      'types[1] "b" columns[1] "data" type: structured_data is an object, no value for bigint',
      'types[1] "b" columns[2] "at" time.abbreviations: only %Z in the format finds any: they are not used',
      'warehouse: no type has a destination { to: "redshift" }: nothing is loaded',
    ]);
    expect(text).toMatch(
      /^\S+odd\.json: 3 types of 5 columns, nothing wrong\n {2}warning: line 27, column 11: types\[1\] "b" match/,
    );
  });
});
