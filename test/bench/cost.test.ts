import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let printed: string;
beforeAll(() => {
  printed = spawnSync(process.execPath, ["bench/cost.ts"], { cwd: ROOT, encoding: "utf8" }).stdout;
});

/** Rows of a table that is printed, by their first cell. */
function rows(title: string): Map<string, number[]> {
  const section = printed.split(`## ${title}\n\n`)[1]!.split("\n\n")[0]!;
  const cells = section
    .split("\n")
    .slice(2)
    .map((line) => line.slice(2, -2).split(" | "));
  const amount = (text: string): number => Number(text.replaceAll(/[$,]/g, ""));
  return new Map(cells.map(([name, ...values]) => [name!, values.map(amount)]));
}

test("the tables of the document are those that are printed", () => {
  const page = readFileSync(new URL("../../docs/cost.md", import.meta.url), "utf8");
  const tables = printed.split(/^## .*\n\n/m).filter((text) => text !== "");
  expect(tables).toHaveLength(4);
  for (const table of tables) expect(page).toContain(table.trim());
});

describe("the estimate", () => {
  test("has a warehouse that is paid for a minute at least, by the tick: what the README says of it", () => {
    const parts = rows("Its parts");
    // 8 RPU × $0.375 × a minute of each tick.
    for (const [tick, cost] of [
      [1, 2_190],
      [5, 438],
      [15, 146],
      [60, 37],
    ] as const) {
      expect(parts.get(`warehouse, every ${tick} min`)![0]).toBe(cost);
    }
  });

  test("has a stream that costs what the README says while next to nothing comes", () => {
    const parts = rows("Its parts");
    expect(parts.get("stream, provisioned")![0]).toBe(26);
    expect(parts.get("stream, on demand, zstd")![0]).toBe(30);
  });

  test("never costs less for more, or for more often", () => {
    for (const title of ["All of it", "Its parts", "Others"]) {
      for (const amounts of rows(title).values()) expect(amounts).toEqual(amounts.toSorted((a, b) => a - b));
    }
    const all = rows("All of it");
    for (const volume of [0, 1, 2, 3]) {
      const byTick = [1, 5, 15, 60].map((tick) => all.get(`on demand, zstd; ${tick} min`)![volume]!);
      expect(byTick).toEqual(byTick.toSorted((a, b) => b - a));
    }
  });

  test("has Firehose count a line of 250 bytes as 5 KB", () => {
    const others = rows("Others");
    const [line, joined] = ["Firehose, a line a record", "Firehose, lines joined to 100 KB"].map(
      (name) => others.get(name)![2]!,
    );
    expect(line! / joined!).toBeCloseTo(20, 1);
  });
});
