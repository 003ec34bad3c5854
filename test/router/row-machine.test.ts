import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROW_MODULE_FILE, rowModule } from "../../bin/row-module.mts";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import { RowMachine, type WrittenRows } from "../../lambdas/router/rows/row-machine.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import type { WeirConfig, WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, type Line, linesOf, RAW, streamRecord, WEB } from "./batch-fixture.ts";
import { Dice, oddType } from "./odd-lines.ts";

/** Lines that are tried: WEIR_ORACLE_LINES=1000000 takes some minutes. */
const LINES = Number(process.env["WEIR_ORACLE_LINES"] ?? 20_000);
const LINES_OF_A_TYPE = 400;

class CountedMachine extends RowMachine {
  taken = 0;

  override rows(from: number, to: number, offset: number, room: number): WrittenRows {
    const written = super.rows(from, to, offset, room);
    this.taken += written.next - from;
    return written;
  }
}

const machine = new CountedMachine();

/** A batch by the machine, which may differ in nothing from what is made of each line by itself. */
function route(config: WeirConfig, records: readonly StreamRecord[]): RoutedBatch {
  const routed = new Router(config, { machine }).route(records);
  const expected = new Router(config, { machine: undefined }).route(records);
  for (const kind of ["data", "rejected", "quarantine"] as const)
    expect(linesOf(routed, kind)).toEqual(linesOf(expected, kind));
  expect(routed.commit).toEqual(expected.commit);
  expect(routed).toEqual(expected);
  return routed;
}

test("the module that is checked in is made of its source", () => {
  expect(rowModule()).toBe(readFileSync(ROW_MODULE_FILE, "utf8"));
});

test(`${LINES} odd lines of all formats and column types give the same batches as line by line`, () => {
  const taken = machine.taken;
  let rows = 0;
  for (let seed = 1; seed <= LINES / LINES_OF_A_TYPE; seed++) {
    const dice = new Dice(seed);
    const { type, line } = oddType(dice);
    const lines = Array.from({ length: LINES_OF_A_TYPE }, (): Line => ({ tag: "t", data: line() }));
    const config = configOf([type], dice.once(2) ? {} : { lake: { maxHoursPerBatch: 1 } });
    const records = [lines.slice(0, 150), lines.slice(150)].map((part, i) =>
      streamRecord(
        aggregate(part.map((line, j) => (j === 0 && i > 0 ? { ...line, offset: 1e6 } : line))),
        i + 1,
      ),
    );
    try {
      rows += route(config, records).commit.types["t"]!.rows;
    } catch (cause) {
      throw new Error(`seed ${seed}: ${JSON.stringify(type)}`, { cause });
    }
  }
  // The machine has its part in it.
  expect(machine.taken - taken).toBeGreaterThan(rows / 4);
});

/** Real log files, kept beside the repository, not in it. */
const LOGS = new URL("../../../shared/logs/", import.meta.url);

describe.skipIf(!existsSync(LOGS))("real log files", () => {
  const logs = existsSync(LOGS) ? readdirSync(LOGS).filter((name) => name.endsWith(".log")) : [];

  test.each(logs)("%s gives the same batch as line by line", (name) => {
    const text = readFileSync(new URL(name, LOGS));
    const time = { field: "time", format: "clf" } as const;
    const columns = [{ name: "status", type: "smallint" }];
    const config = configOf([RAW, { name: "combined", parse: { format: "combined" }, time, columns }]);
    const lines = text.toString("latin1").split("\n");
    for (const tag of ["raw", "combined"]) {
      const tagged = lines.map((line): Line => ({ tag, data: Buffer.from(line, "latin1") }));
      const taken = machine.taken;
      const { rows } = route(config, [streamRecord(aggregate(tagged))]).commit.types[tag]!;
      expect(machine.taken - taken).toBeGreaterThanOrEqual(rows * 0.9);
    }
  });
});

const PHOTO: WeirConfigInput["types"][number] = {
  name: "photo",
  parse: { format: "json" },
  time: { field: "time", format: "iso8601" },
  columns: [{ name: "id", type: "bigint" }],
};

describe("runs of lines", () => {
  const config = configOf([PHOTO, { ...PHOTO, name: "other" }]);
  const at = (ms: number, id = 1): string => JSON.stringify({ time: new Date(ms).toISOString(), id });
  const photo = (data: string, rest: Partial<Line> = {}): Line => ({ tag: "photo", data, ...rest });
  const START = Date.UTC(2026, 10, 21, 9, 59, 30);
  const OTHER = { id: "b3RoZXI", host: 'we"b-2', path: "/var/log/other.log" };

  test.each<[string, readonly Line[]]>([
    [
      "that go on from minute to minute and from hour to hour",
      Array.from({ length: 400 }, (_, i) => photo(at(START + i * 700))),
    ],
    [
      "whose times go to and fro",
      Array.from({ length: 100 }, (_, i) => photo(at(START + (i % 7) * 3_600_000))),
    ],
    [
      "of several tags",
      Array.from({ length: 90 }, (_, i) => ({ tag: ["photo", "other", "none"][i % 3]!, data: at(START) })),
    ],
    [
      "of several sources in turn",
      Array.from({ length: 90 }, (_, i) =>
        photo(at(START), { source: i % 4 < 2 ? WEB : OTHER, offset: i * 1_000 }),
      ),
    ],
    [
      "with lines that come again, and that claim the same bytes",
      [0, 60, 120, 60, 0, 30, 200].map((offset, i) => photo(at(START, i % 2), { offset })),
    ],
    [
      "with gaps, and lines that stand for more than their bytes",
      Array.from({ length: 40 }, (_, i) =>
        photo(at(START), {
          ...(i % 5 === 0 && {
            offset: (i + 1) * 1_000,
            gap: { from: (i + 1) * 1_000 - 10, reason: "filtered", lines: 1 } as const,
          }),
          ...(i % 7 === 0 && { extent: 500 }),
        }),
      ),
    ],
    [
      "at offsets beyond 2^32",
      Array.from({ length: 30 }, (_, i) => photo(at(START), i === 0 ? { offset: 2 ** 45 + 99_999_990 } : {})),
    ],
    ["of no bytes", Array.from({ length: 30 }, () => photo(""))],
    [
      "longer than what the machine takes in",
      ["x".repeat(70_000), at(START), "y".repeat(2_001), at(START)].map((data) => photo(data)),
    ],
    ["of many rows", Array.from({ length: 9_000 }, (_, i) => photo(at(START + i * 10, i)))],
  ])("%s are filed as line by line", (_, lines) => {
    const records = [lines, lines.slice(0, 3), lines].map((part, i) => streamRecord(aggregate(part), i + 1));
    route(config, records);
  });

  test("end a batch at the same record where memory is short", () => {
    const small = configOf([PHOTO], { router: { memoryMb: 256 } });
    const pad = "x".repeat(1_800);
    const lines = Array.from({ length: 4_000 }, (_, i) =>
      photo(
        JSON.stringify({
          time: new Date(START + i * 10).toISOString(),
          pad: i % 100 === 0 ? `${pad}\u0007` : pad,
        }),
      ),
    );
    const records = Array.from({ length: 6 }, (_, i) => {
      const own = lines.map((line, j) => (j === 0 ? { ...line, offset: i * 1e8 } : line));
      return streamRecord(aggregate(own), i + 1);
    });
    expect(route(small, records).next).toBeDefined();
  });
});
