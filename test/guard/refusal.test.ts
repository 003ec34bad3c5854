import { describe, expect, test } from "vitest";
import { refusal } from "../../lambdas/guard/refusal.ts";
import type { GuardedWarehouse } from "../../lambdas/guard/refusal.ts";

const NONE: GuardedWarehouse = { kind: "none", name: "", database: "" };
const OURS: GuardedWarehouse = { kind: "new-serverless", name: "weir-1a2b3c4d", database: "weir" };
const THEIRS: GuardedWarehouse = { kind: "existing-serverless", name: "analytics", database: "reports" };
const CLUSTER: GuardedWarehouse = { kind: "provisioned", name: "analytics", database: "reports" };

const namespacesOf = (warehouse: GuardedWarehouse | undefined): string[] =>
  warehouse?.kind === "new-serverless" ? [warehouse.name] : [];

test.each<[string, GuardedWarehouse | undefined, GuardedWarehouse]>([
  ["the first deployment, without a warehouse", undefined, NONE],
  ["the first deployment, with a new one", undefined, OURS],
  ["the same warehouse again", OURS, OURS],
  ["a warehouse where there was none", NONE, OURS],
  ["a cluster where there was none", NONE, CLUSTER],
])("allows %s", (_, before, wanted) => {
  expect(refusal({ wanted, replaces: "", before, namespaces: namespacesOf(before) })).toBeUndefined();
});

test.each<[string, GuardedWarehouse, GuardedWarehouse, string]>([
  ["no warehouse in place of ours", OURS, NONE, "weir-1a2b3c4d/weir"],
  ["an existing one in place of ours", OURS, THEIRS, "weir-1a2b3c4d/weir"],
  ["another namespace in place of ours", OURS, { ...OURS, name: "weir-ffffffff" }, "weir-1a2b3c4d/weir"],
  ["another database", OURS, { ...OURS, database: "logs" }, "weir-1a2b3c4d/weir"],
  ["another workgroup", THEIRS, { ...THEIRS, name: "other" }, "analytics/reports"],
  ["a cluster of the workgroup's name", THEIRS, CLUSTER, "analytics/reports"],
])("refuses %s, until the configuration names what it replaces", (_, before, wanted, name) => {
  const update = { wanted, before, namespaces: namespacesOf(before) };
  for (const replaces of ["", "weir-00000000/weir", before.name]) {
    const message = refusal({ ...update, replaces });
    expect(message).toContain(`leave the warehouse ${name} behind`);
    expect(message).toContain(`set warehouse.replaces to "${name}"`);
  }
  expect(refusal({ ...update, replaces: name })).toBeUndefined();
});

test("a namespace from before there was a guard is not orphaned by the deployment that brings it", () => {
  const update = { wanted: NONE, before: undefined, namespaces: ["weir-1a2b3c4d"] };
  expect(refusal({ ...update, replaces: "" })).toContain("leave the warehouse weir-1a2b3c4d behind");
  expect(refusal({ ...update, replaces: "weir-1a2b3c4d" })).toBeUndefined();
  expect(refusal({ ...update, wanted: OURS, replaces: "" })).toBeUndefined();
});

test("what was allowed once is not allowed again: the setting may stay", () => {
  const replaces = "weir-1a2b3c4d/weir";
  expect(refusal({ wanted: THEIRS, before: OURS, replaces, namespaces: [OURS.name] })).toBeUndefined();
  expect(refusal({ wanted: THEIRS, before: THEIRS, replaces, namespaces: [] })).toBeUndefined();
  expect(refusal({ wanted: NONE, before: THEIRS, replaces, namespaces: [] })).toContain("analytics/reports");
});

describe("of several warehouses", () => {
  const stays = { wanted: OURS, before: OURS, namespaces: [OURS.name] };

  test("any that is gone refuses the deployment, under whatever name it was", () => {
    expect(refusal({ ...stays, replaces: "", othersBefore: [THEIRS], others: [CLUSTER] })).toContain(
      "leave the warehouse analytics/reports behind",
    );
    const replaces = "elsewhere/weir,analytics/reports";
    expect(refusal({ ...stays, replaces, othersBefore: [THEIRS], others: [] })).toBeUndefined();
    expect(refusal({ ...stays, replaces: "", othersBefore: [], others: [THEIRS, CLUSTER] })).toBeUndefined();
  });

  test("each that is gone has to be named", () => {
    const update = { wanted: NONE, before: OURS, othersBefore: [THEIRS], namespaces: [OURS.name] };
    expect(refusal({ ...update, replaces: "weir-1a2b3c4d/weir" })).toContain("analytics/reports");
    expect(refusal({ ...update, replaces: "weir-1a2b3c4d/weir,analytics/reports" })).toBeUndefined();
  });

  test("the names may change places", () => {
    const update = { wanted: THEIRS, others: [OURS], before: OURS, othersBefore: [THEIRS] };
    expect(refusal({ ...update, replaces: "", namespaces: [OURS.name] })).toBeUndefined();
  });

  test("a namespace of another one is no orphan", () => {
    const other = { ...OURS, name: "weir-archive-1a2b3c4d" };
    const namespaces = [OURS.name, other.name];
    expect(refusal({ ...stays, replaces: "", others: [other], namespaces })).toBeUndefined();
    expect(refusal({ ...stays, replaces: "", others: [], namespaces })).toContain(
      "leave the warehouse weir-archive-1a2b3c4d behind",
    );
  });
});
