import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import { Reparse } from "../../lambdas/router/reparse/reparse.ts";
import { parseUnfiledKey } from "../../wire/keys.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

const LABELS = { stage: "prod", availability_zone: "eu-west-1a" };

const configWith = (parse: WeirConfigInput["types"][number]["parse"]) =>
  configOf([
    {
      name: "t",
      parse,
      drop: "_labels.stage == 'test'",
      columns: [
        { name: "stage", field: "_labels.stage", type: "varchar(16)" },
        { name: "region", type: "varchar(16)", value: "substring(_labels.availability_zone, 0, 9)" },
        { name: "team", field: "_labels.team", type: "varchar(16)", default: "nobody" },
        { name: "n", type: "integer", nullable: false },
      ],
    },
  ]);
const routed = (parse: Parameters<typeof configWith>[0], data: string, labels?: Record<string, string>) =>
  new Router(configWith(parse)).route([streamRecord(aggregate([{ tag: "t", data }], labels))]);

describe("labels of a host", () => {
  test.each([
    ["json", '{"n":1,"_labels":{"stage":"a lie"}}'],
    ["ltsv", "n:1"],
    ["logfmt", "n=1"],
  ] as const)("fill columns of %s, as they are and in expressions", (format, line) => {
    expect(rowsOf(routed({ format }, line, LABELS))).toMatchObject([
      { stage: "prod", region: "eu-west-1", team: "nobody", n: 1 },
    ]);
  });

  test("are null where an agent states none, and of other producers", () => {
    const [row] = rowsOf(routed({ format: "json" }, '{"n":1}'));
    expect(row).toMatchObject({ team: "nobody", n: 1 });
    for (const column of ["stage", "region"]) expect(row).not.toHaveProperty(column);
  });

  test("may decide on what is left out", () => {
    const { commit } = routed({ format: "json" }, '{"n":1}', { stage: "test" });
    expect(commit.types["t"]).toMatchObject({ lines: 1, rows: 0, filtered: 1 });
  });

  test("stay with a line that is rejected, and are there when it is filed anew", async () => {
    const rejected = routed({ format: "json" }, "n=1", LABELS);
    expect(rejectsOf(rejected)).toMatchObject([{ reason: "unparsed", _labels: LABELS }]);
    const { key } = rejected.objects[0]!;
    const lines = rejectsOf(rejected).map((line) => Buffer.from(JSON.stringify(line)));
    const reparse = new Reparse(configWith({ format: "logfmt" }));
    const { batch } = await reparse.file({ ...parseUnfiledKey(key)!, key }, all(lines));
    expect(rowsOf(batch!)).toMatchObject([{ stage: "prod", region: "eu-west-1" }]);
  });
});

async function* all<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
