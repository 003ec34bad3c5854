import { expect, test, vi } from "vitest";
import { LoaderMetrics } from "../../lambdas/loader/loader-metrics.ts";
import type { LoadEvent } from "../../lambdas/loader/load.ts";
import type { TickReport } from "../../lambdas/loader/tick.ts";

const TABLES = ["logs.photo", "logs.user"];
const IDLE: TickReport = { lagSeconds: 0, events: [], unreadable: 0, contested: 0 };

type Emitted = Record<string, unknown>;

/** What a tick with this report emits, in all and by table. */
function emitted(report: Partial<TickReport>, baseCapacityRpu = 8): { all: Emitted; tables: Emitted } {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    new LoaderMetrics("Loader-1", { tables: TABLES, baseCapacityRpu }).count({ ...IDLE, ...report });
    const lines = write.mock.calls.map(([text]) => JSON.parse(String(text)) as Emitted);
    const [all, ...others] = lines.map(({ _aws, service, ...metrics }) => {
      expect(service).toBe("Loader-1");
      return metrics;
    });
    return { all: all!, tables: Object.fromEntries(others.map(({ table, ...rest }) => [table, rest])) };
  } finally {
    write.mockRestore();
  }
}

test("a load's numbers are told in all and of its table", () => {
  const numbers = { rows: 90, bytes: 4_000, seconds: 2.5, duplicates: 6, conflicts: 1, erased: 4 };
  const { all, tables } = emitted({
    events: [{ kind: "loaded", table: "logs.photo", ...numbers }],
  });
  const counts = {
    RowsLoaded: 90,
    BytesLoaded: 4_000,
    DuplicatesRemoved: 6,
    Conflicts: 1,
    RowsErased: 4,
    LoadLagSeconds: 0,
  };
  expect(all).toEqual({
    ...counts,
    LoadsFailed: 0,
    WarehouseChanges: 0,
    ContestedSources: 0,
    ObjectsSetAside: 0,
    RowsHeld: 0,
    RowsSetAside: 0,
  });
  expect(tables).toEqual({
    "logs.photo": { ...counts, LoadSeconds: 2.5 },
    "logs.user": { LoadLagSeconds: 0 },
  });
});

test("what is set aside is told for as long as it waits", () => {
  expect(emitted({ refused: { objects: 2, rows: 90 } }).all).toMatchObject({
    ObjectsSetAside: 2,
    RowsSetAside: 90,
  });
});

test("rows of a type that nobody knows are told for as long as they wait", () => {
  const held = [
    { type: "photo", rows: 5, commits: 1 },
    { type: "foto", rows: 2, commits: 2 },
  ];
  expect(emitted({ held }).all).toMatchObject({ RowsHeld: 7 });
});

test("several loads of a table add up, and their durations stand side by side", () => {
  const { all, tables } = emitted({
    events: [
      { kind: "loaded", table: "logs.user", rows: 1, bytes: 10, seconds: 1 },
      { kind: "failed", table: "logs.photo", error: "no" },
      { kind: "loaded", table: "logs.user", rows: 2, bytes: 20, seconds: 3 },
    ],
  });
  expect(all).toMatchObject({ RowsLoaded: 3, BytesLoaded: 30, LoadsFailed: 1 });
  expect(tables).toEqual({
    "logs.photo": { LoadLagSeconds: 0, LoadsFailed: 1 },
    "logs.user": { LoadLagSeconds: 0, RowsLoaded: 3, BytesLoaded: 30, LoadSeconds: [1, 3] },
  });
});

test("lag is told of every table on every tick, of one that has caught up as well", () => {
  const behind = [{ table: "logs.user", lagSeconds: 320 }];
  const { all, tables } = emitted({ lagSeconds: 320, behind });
  expect(all).toMatchObject({ LoadLagSeconds: 320 });
  expect(tables).toEqual({ "logs.photo": { LoadLagSeconds: 0 }, "logs.user": { LoadLagSeconds: 320 } });
});

test("no table has metrics that the configuration does not have", () => {
  const { tables } = emitted({
    events: [{ kind: "loaded", table: "logs.gone", rows: 1, bytes: 1 }],
  });
  expect(Object.keys(tables)).toEqual(TABLES);
});

test.each([
  ["a minute at least is paid for", 12, 480],
  ["longer, by the second", 90, 720],
])("the cost of loading is estimated: %s", (_, busySeconds, RpuSecondsEstimated) => {
  expect(emitted({ busySeconds }).all).toMatchObject({ RpuSecondsEstimated });
});

test("there is no estimate while loads run, or where nobody knows the capacity", () => {
  expect(emitted({}).all).not.toHaveProperty("RpuSecondsEstimated");
  expect(emitted({ busySeconds: 90 }, 0).all).not.toHaveProperty("RpuSecondsEstimated");
});

test("what somebody did to the warehouse is told, and a state that was merely behind is not", () => {
  const table = "logs.photo";
  const events: LoadEvent[] = [
    { kind: "rows-gone", table, isMissing: true },
    { kind: "unknown-rows", table },
    { kind: "diverged", table, ledger: 1, state: 3 },
    { kind: "diverged", table, ledger: 3, state: 0 },
  ];
  expect(emitted({ events }).all).toMatchObject({ WarehouseChanges: 3 });
});

test("what a table has set aside is told of it, for as long as it waits", () => {
  const refusedByTable = { "logs.user": { objects: 2, rows: 90 } };
  const { tables } = emitted({ refused: { objects: 2, rows: 90 }, refusedByTable });
  expect(tables).toEqual({
    "logs.photo": { LoadLagSeconds: 0 },
    "logs.user": { LoadLagSeconds: 0, ObjectsSetAside: 2, RowsSetAside: 90 },
  });
});
