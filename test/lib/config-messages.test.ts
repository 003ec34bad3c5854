import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { ConfigError } from "../../wire/config.ts";

/** Configuration as it is written, with nothing filled in. */
const { default: sample } = (await import(new URL("../../weir.config.ts", import.meta.url).href)) as {
  default: object;
};
const WIRE = fileURLToPath(new URL("../../wire/config.ts", import.meta.url));
const HEAD = `import { defineConfig } from ${JSON.stringify(WIRE)};\n`;

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function errorOf(text: string, extension = "ts"): Promise<ConfigError> {
  const file = join(folder, `${files++}.config.${extension}`);
  await writeFile(file, text);
  const error: unknown = await loadConfig(file).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}

/** What is told of a configuration, a problem a line. */
const told = async (text: string, extension?: string): Promise<string[]> =>
  (await errorOf(text, extension)).message
    .split("\n")
    .slice(1)
    .map((line) => line.trim());

/** Line and column of a part of a text, as people count. */
function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  return `line ${before.length}, column ${before.at(-1)!.length + 1}: `;
}

const misspell = (name: string): string => `${name.slice(0, -1)}${name.at(-1)}${name.at(-1)}`;

describe("a configuration that is misspelt", () => {
  const text = JSON.stringify(sample, undefined, 2);
  /** The text with one name in it misspelt. */
  const spoilt = (name: string, at: number): string =>
    text.slice(0, at) + misspell(name) + text.slice(at + name.length);

  test("is told by each key of the sample, where it stands and as it was meant", async () => {
    const keys = [...text.matchAll(/(?<=")\w+(?=": )/g)];
    expect(keys.length).toBeGreaterThan(100);
    for (const { 0: key, index } of keys) {
      const lines = await told(spoilt(key, index), "json");
      expect(lines).toEqual([
        expect.stringMatching(`Unrecognized key: "${misspell(key)}": did you mean "${key}"\\?$`),
      ]);
      expect(lines[0]).toContain(placeOf(text, index - 1));
    }
  });

  test("is told by each name of the sample that is one of several", async () => {
    const values = [...text.matchAll(/(?<="(?:kind|format|type|encode|to)": ")[a-z_-]+(?=["(])/g)];
    expect(values.length).toBeGreaterThan(35);
    for (const { 0: value, index } of values) {
      const lines = await told(spoilt(value, index), "json");
      expect(lines).toEqual([expect.stringMatching(`did you mean "${value}|write ${value}`)]);
      expect(lines[0]).toContain(`line ${text.slice(0, index).split("\n").length}, column `);
    }
  });

  test("is told all at once, with names beside numbers, in the order of the lines", async () => {
    expect(
      await told(`${HEAD}const more = [{ name: "b", field: "refere", type: "varchr(20)" }];
const table = { to: "redshif" as const };
export default defineConfig({
  router: { memoryMb: true, tiemoutSeconds: 3 },
  warehouse: { kind: "new-serverles" },
  types: [
    {
      name: "access",
      parse: { format: "combned" },
      time: { field: "tiem", format: "iso8061", zone: "Europe/Berln" },
      colums: [{ name: "host", type: "string", nulable: false }, ...more],
      destinations: [{ to: "s3" }, table, { to: "redshift", table: "b", sort: ["hots"], from: "nw" }],
    },
  ],
} as never);
`),
    ).toEqual([
      'line 2, column 28: types[0] "access" colums[1] "b" field: no field "refere" in this format: did you mean "referer"?',
      'line 2, column 45: types[0] "access" colums[1] "b" type: not a column type: did you mean "varchar(20)"?',
      'line 3, column 17: types[0] "access" destinations[1].to: "redshif" is unknown: did you mean "redshift"?',
      "line 5, column 13: router.memoryMb: Invalid input: expected number, received boolean",
      'line 5, column 29: router: Unrecognized key: "tiemoutSeconds": did you mean "timeoutSeconds"?',
      "line 5, column 29: router.tiemoutSeconds: Too small: expected number to be >=10",
      'line 6, column 16: warehouse.kind: "new-serverles" is unknown: did you mean "new-serverless"?',
      'line 10, column 16: types[0] "access" parse.format: "combned" is unknown: did you mean "combined"?',
      'line 11, column 15: types[0] "access" time.field: no field "tiem" in this format: did you mean "time"?',
      'line 11, column 30: types[0] "access" time.format: has no directive of strptime, such as %Y-%m-%d %H:%M:%S: did you mean "iso8601"?',
      'line 11, column 49: types[0] "access" time.zone: not a zone: did you mean "Europe/Berlin"?',
      'line 12, column 7: types[0] "access": Unrecognized key: "colums": did you mean "columns"?',
      'line 12, column 32: types[0] "access" colums[0] "host" type: not a column type: write varchar(n)',
      'line 12, column 48: types[0] "access" colums[0] "host": Unrecognized key: "nulable": did you mean "nullable"?',
      'line 13, column 80: types[0] "access" destinations[2].sort[0]: no column "hots" to sort or distribute by: did you mean "_host"?',
      'line 13, column 89: types[0] "access" destinations[2].from: neither "beginning" nor "now", nor a time in UTC such as "2026-11-21T10:00:00Z"',
    ]);
  });
});

describe("what is wrong is told without a number", () => {
  const broken = '{ name: "a", parse: { format: "jsn" }, columns: [{ name: "x", type: "bigint" }] }';
  const untold = ['types[0] "a" parse.format: "jsn" is unknown: did you mean "json"?'];

  test.each([
    ["comes of a function", `const types = () => [${broken}];\nexport default { types: types() };`],
    [
      "is changed afterwards",
      `const types = [${broken.replace("jsn", "json")}];\ntypes[0].parse.format = "jsn";\nexport default { types };`,
    ],
    [
      "is put before the others",
      `const types = [{}, {}];\ntypes.splice(0, 2, ${broken});\nexport default { types };`,
    ],
    [
      "may be another's",
      `const more = Object.freeze({ types: [${broken}] });\nexport default { types: [{}], ...more };`,
    ],
    ["has a key that is computed", `export default { ["ty" + "pes"]: [${broken}] };`],
    ["is a variable", `let types = [{}];\ntypes = [${broken}];\nexport default { types };`],
  ])("where it %s", async (_, text) => {
    expect(
      await told(
        text.startsWith("export") ? text : text.replaceAll("const types = [", "const types: any[] = ["),
      ),
    ).toEqual(untold);
  });

  test("and with one where it is spread, or a constant, or of another type", async () => {
    const text = `const a = ${broken} as any;\nconst all = [a];\nexport default { ...{ types: [] }, types: [...all] } satisfies object;`;
    expect(await told(text)).toEqual([`line 1, column 33: ${untold[0]}`]);
  });
});

describe("a file that cannot be read", () => {
  test.each([
    [
      "is no TypeScript",
      'export default {\n  types: [{ name: "a" parse: 1 }],\n};',
      "ts",
      /^line 2, column 23: not TypeScript: Expected/,
    ],
    [
      "is no JSON",
      '{ "types": [\n  { "name": "a", }\n] }',
      "json",
      /^line 2, column 18: Expected double-quoted property name/,
    ],
    ["exports nothing", "const a = 1;", "ts", /^no default export/],
    [
      "has a wrong value in JSON",
      '{\n  "types": [],\n  "stack": { "name": 5 }\n}',
      "json",
      /^line 3, column 14: stack\.name: Invalid input/m,
    ],
  ])("says where it %s", async (_, text, extension, message) => {
    expect((await told(text, extension)).join("\n")).toMatch(message);
  });

  test("since it is not there is said to be", async () => {
    await expect(loadConfig("/nowhere/weir.config.ts")).rejects.toThrow(
      "/nowhere/weir.config.ts:\n  there is no such file",
    );
  });
});
