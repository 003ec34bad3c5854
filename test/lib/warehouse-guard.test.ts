import { expect, test } from "vitest";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, PROVISIONED, Synthesized, show } from "./synth.ts";

test.each([
  [{ kind: "none", replaces: "weir-1a2b3c4d/weir" } as const, "none", "", "", "weir-1a2b3c4d/weir"],
  [NEW_SERVERLESS, "new-serverless", "<namespace>", "weir", ""],
  [{ ...NEW_SERVERLESS, namespace: "weir-1a2b3c4d" }, "new-serverless", "weir-1a2b3c4d", "weir", ""],
  [EXISTING_SERVERLESS, "existing-serverless", "analytics", "reports", ""],
  [PROVISIONED, "provisioned", "reporting", "reports", ""],
])("the guard is told of %j", (warehouse, Kind, name, Database, Replaces) => {
  const stack = new Synthesized({ warehouse });
  const { ServiceToken, ServiceTimeout, ...properties } = stack.one("GuardWarehouse").Properties;
  const Name = name === "<namespace>" ? stack.one("WarehouseNamespace").Properties["NamespaceName"] : name;
  const Makes = name === "<namespace>" ? Name : "";
  expect(properties).toEqual({ Kind, Name, Database, Makes, Replaces });
  expect(show(ServiceToken)).toBe("<GuardHandlerFunction>");
  // Without it, an answer that is lost holds a deployment up for an hour. source: ServiceTimeout, read 2026-11
  expect(ServiceTimeout).toBe("300");
});

test("namespace, workgroup and loader wait for its word", () => {
  const stack = new Synthesized({ warehouse: NEW_SERVERLESS });
  for (const id of ["WarehouseNamespace", "WarehouseWorkgroup", "LoaderHandlerFunction"]) {
    expect(stack.one(id).DependsOn?.some((needed) => needed.startsWith("GuardWarehouse"))).toBe(true);
  }
});

test("its rights are there before it is asked, and still there when it is deleted", () => {
  const stack = new Synthesized({ warehouse: { kind: "none" } });
  const needs = stack.one("GuardWarehouse").DependsOn ?? [];
  expect(needs.some((needed) => needed.startsWith("GuardHandlerRoleDefaultPolicy"))).toBe(true);
});

test("it may look at its own stack, and whether a namespace is there, and at nothing else", () => {
  expect(new Synthesized().grants("GuardHandlerRole")).toEqual([
    "cloudformation:DescribeStacks on <AWS::StackId>",
    "cloudformation:ListStackResources on <AWS::StackId>",
    "logs:CreateLogStream on <GuardHandlerLogs>",
    "logs:PutLogEvents on <GuardHandlerLogs>",
    "redshift-serverless:GetNamespace on arn:<AWS::Partition>:redshift-serverless:<AWS::Region>:<AWS::AccountId>:namespace/*",
  ]);
});
