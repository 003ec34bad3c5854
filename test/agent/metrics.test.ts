import fc from "fast-check";
import { expect, test } from "vitest";
import { exposition, type MetricFamily, type Sample } from "../../agent/monitor/metrics.ts";
import { parseExposition } from "./exposition.ts";

const text = fc.string({ unit: fc.constantFrom("\\", "n", '"', "\n", "{", "}", ",", "=", " ", "#", "ü") });
// The text has no sign for a zero.
const value = fc.double().map((value) => (value === 0 ? 0 : value));

const counter = (name: string, help: string, samples: readonly Sample[]): MetricFamily => {
  return { name, type: "counter", help, samples };
};
const gauge = (name: string, help: string, samples: readonly Sample[]): MetricFamily => {
  return { name, type: "gauge", help, samples };
};

test("what is exposed is what a scrape reads, whatever is in labels and help", () =>
  fc.assert(
    fc.property(text, fc.uniqueArray(text), value, (help, paths, value) => {
      const samples = paths.map((path) => ({ labels: { path, tag: "t" }, value }));
      const families = [counter("a_total", help, samples), gauge("b", help, [{ value }])];
      expect(parseExposition(exposition(families))).toEqual([
        ...samples.map(({ labels, value }) => ({ name: "a_total", type: "counter", labels, value })),
        { name: "b", type: "gauge", labels: {}, value },
      ]);
    }),
  ));

test("a family without samples is not told of", () => {
  expect(exposition([counter("a_total", "None.", [])])).toBe("");
});

test("a sample stands as the text format has it", () => {
  const samples = [{ labels: { path: '/a "b"\\\n' }, value: Infinity }];
  expect(exposition([gauge("lag", "Two\nlines.", samples)])).toBe(
    '# HELP lag Two\\nlines.\n# TYPE lag gauge\nlag{path="/a \\"b\\"\\\\\\n"} +Inf\n',
  );
});
