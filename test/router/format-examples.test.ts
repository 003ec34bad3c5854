import { expect, test } from "vitest";
import { EXAMPLE_SETTINGS, EXPRESSION_EXAMPLES } from "../../bin/reference/expression-examples.ts";
import { FORMAT_EXAMPLES } from "../../bin/reference/format-examples.ts";
import { Router } from "../../lambdas/router/router.ts";
import { parserSchema } from "../../wire/parser.ts";
import { aggregate, configOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

const ERRORS = {
  name: "errors",
  parse: { format: "raw" },
  columns: [{ name: "line", type: "super" }],
} as const;

test.each([...FORMAT_EXAMPLES, ...EXPRESSION_EXAMPLES])(
  "the reference's example of $title gives the row that it shows",
  ({ type, line, row }) => {
    const source = { id: "c291cmNlMQ3f", host: "web-1", path: "/var/log/app.log" };
    const routed = new Router(
      configOf(
        [
          { name: "t", ...type },
          { ...ERRORS, columns: [...ERRORS.columns] },
        ],
        EXAMPLE_SETTINGS,
      ),
    ).route([streamRecord(aggregate([{ tag: "t", data: line, source }]))]);
    expect(rejectsOf(routed)).toEqual([]);
    const found = rowsOf(routed, "t")[0]!;
    // What is left over of many fields is not shown.
    const { _src, _off, _crc, _host, _arrived_at, _extra, ...columns } = found;
    expect({ ...columns, ...("_extra" in row && { _extra }) }).toEqual({
      _time: "2026-11-21 10:00:00.250",
      ...row,
    });
  },
);

test("every format has an example, or is one of a kind that has", () => {
  const shown = new Set(JSON.stringify(FORMAT_EXAMPLES).match(/"format":"[\w-]+"/g));
  const kinds = parserSchema.options.map((option) => option.shape.format);
  for (const kind of kinds) {
    const names = [...("values" in kind ? kind.values : Object.values(kind.enum))];
    const has = names.some((name) => shown.has(`"format":"${name}"`));
    expect([names, has]).toEqual([names, true]);
  }
});
