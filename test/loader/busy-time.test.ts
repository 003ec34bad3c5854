import { expect, test } from "vitest";
import { busyTime } from "../../lambdas/loader/busy-time.ts";
import { type LoaderState, newTable } from "../../lambdas/loader/state.ts";
import { batch } from "./lake-fixture.ts";
import { logType, planned, targets } from "./loader-fixture.ts";

const [target] = targets(logType("photo"));
const { load } = planned(target!, [batch({ sequence: [1, 1], sources: { a: [[0, 10]] } })]);

/** Where these tables have a load that runs. */
function stateOf(...loading: string[]): LoaderState {
  const tables = ["logs.photo", "logs.user"].map((table) => {
    const open = loading.includes(table) && { load: { ...load, statementId: "s" } };
    return [table, { ...newTable(), ...open }] as const;
  });
  return { version: 3, tables: Object.fromEntries(tables) };
}

const at = (seconds: number): Date => new Date(seconds * 1_000);

/** What each of these ticks tells: the second at which it comes, and which tables have a load that runs by then. */
function told(...ticks: [second: number, ...loading: string[]][]): (number | undefined)[] {
  let busySince: string | undefined;
  return ticks.map(([second, ...loading]) => {
    const before = stateOf(...loading);
    const result = busyTime({ ...before, ...(busySince !== undefined && { busySince }) }, at(second));
    busySince = result.state.busySince;
    return result.busySeconds;
  });
}

test("loads that run side by side are counted once, when the last has ended", () => {
  expect(told([10, "logs.photo", "logs.user"], [30, "logs.user"], [70])).toEqual([undefined, undefined, 60]);
});

test("a table that goes on with its backlog keeps the warehouse busy", () => {
  expect(told([0, "logs.photo"], [50, "logs.user"], [80, "logs.photo"], [95])).toEqual([
    undefined,
    undefined,
    undefined,
    95,
  ]);
});

test("a warehouse that rests is told of once", () => {
  expect(told([0, "logs.photo"], [5], [10], [20, "logs.photo"], [21])).toEqual([
    undefined,
    5,
    undefined,
    undefined,
    1,
  ]);
});

test("a load that is planned, and not submitted, keeps nothing busy", () => {
  const { statementId: _, ...unsubmitted } = { ...load, statementId: "s" };
  const state = stateOf();
  state.tables["logs.photo"] = { ...newTable(), load: unsubmitted };
  expect(busyTime(state, at(1))).toEqual({ state });
});
