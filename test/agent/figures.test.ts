import { expect, test } from "vitest";

const figures = new URL("../../agent/monitor/page/figures.js", import.meta.url);
const { rate } = (await import(figures.href)) as { rate: (perSecond: number, unit?: string) => string };

test.each([
  [0, "0/s"],
  [0.0001, "1/h"],
  [0.004, "14/h"],
  [0.01, "1/min"],
  [0.461, "28/min"],
  [0.999, "60/min"],
  [1, "1/s"],
  [2.44, "2.4/s"],
  [9.96, "10/s"],
  [461.7, "462/s"],
  [12_345, "12.3K/s"],
])("%f a second is read as %s", (perSecond, text) => {
  expect(rate(perSecond)).toBe(text);
});

test("a rate may have a unit", () => {
  expect(rate(0.5, "lines")).toBe("30 lines/min");
});
