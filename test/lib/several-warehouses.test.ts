import { Annotations, Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { compileEventPattern } from "../../local/event-pattern.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import {
  app,
  EXISTING_SERVERLESS,
  NEW_SERVERLESS,
  PROVISIONED,
  type Resource,
  show,
  Synthesized,
  weirStack,
} from "./synth.ts";

type Destinations = NonNullable<WeirConfigInput["types"][number]["destinations"]>;

const types = (...destinations: Destinations): WeirConfigInput["types"] => [
  {
    name: "access",
    parse: { format: "json" },
    columns: [{ name: "status", type: "smallint" }],
    destinations,
  },
];

const ONE = { warehouse: NEW_SERVERLESS, types: types({ to: "redshift" }) };
const THREE = {
  warehouse: NEW_SERVERLESS,
  warehouses: { archive: { kind: "new-serverless", database: "cold", maxCapacityRpu: 8 }, bi: PROVISIONED },
  types: types(
    { to: "redshift" },
    { to: "redshift", warehouse: "archive", schema: "kept" },
    { to: "redshift", warehouse: "bi" },
  ),
} as const satisfies Partial<WeirConfigInput>;

const one = new Synthesized(ONE);
const three = new Synthesized(THREE);

const resources = (stack: Synthesized): Record<string, Resource> =>
  (stack.template.toJSON() as { Resources: Record<string, Resource> }).Resources;

test("another warehouse leaves the main one as it was, under the same logical ids", () => {
  const [before, after] = [resources(one), resources(three)];
  const changed = Object.keys(before).filter(
    (id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]),
  );
  // Functions hold the configuration in their code; guard, operators, dashboard and the alarm of all have to do with each.
  const mayChange =
    /^(GuardWarehouse|AlarmsUnwell|DashboardPage|OperatorPolicy|(Router|Sequencer|Loader|LoaderGrants)HandlerFunction)/;
  expect(changed.filter((id) => !mayChange.test(id))).toEqual([]);
  const environments = (stack: Synthesized): string =>
    show(stack.one("LoaderHandlerFunction").Properties["Environment"]);
  expect(environments(three)).toBe(environments(one));
});

describe.each([
  ["main", "", "Weir-loader-<AWS::Region>", "weir-"],
  ["archive", "Archive", "Weir-loader_archive-<AWS::Region>", "weir/archive/"],
  ["bi", "Bi", "Weir-loader_bi-<AWS::Region>", "weir/bi/"],
])("the warehouse %s has a loader of its own:", (name, prefix, role, statements) => {
  const handler = three.one(`${prefix}LoaderHandlerFunction`).Properties;

  test("a role, and what it is told", () => {
    expect(show(three.one(`${prefix}LoaderHandlerRole`).Properties["RoleName"])).toBe(role);
    const { Variables } = handler["Environment"] as { Variables: Record<string, unknown> };
    expect(Variables["WEIR_WAREHOUSE"]).toBe(name === "main" ? undefined : name);
    expect(Variables["WEIR_DATABASE"]).toBe({ main: "weir", archive: "cold", bi: "reports" }[name]);
  });

  test("a tick", () => {
    expect(show(three.one(`${prefix}LoaderTickSchedule`).Properties["Target"])).toContain(
      `Arn=<${prefix}LoaderHandlerFunction>`,
    );
  });

  test("the ends of its own statements, and of nobody else's", () => {
    const { EventPattern, Targets } = three.one(`${prefix}LoaderStatementEnd`).Properties;
    expect(show(Targets)).toContain(`Arn=<${prefix}LoaderHandlerFunction>`);
    const matches = compileEventPattern(EventPattern);
    const ended = (statementName: string): object => ({
      source: "aws.redshift-data",
      "detail-type": "Redshift Data Statement Status Change",
      detail: { statementName, state: "FINISHED" },
    });
    const all = ["weir-", "weir/archive/", "weir/bi/", "weir/b/", ""];
    expect(all.filter((prefix) => matches(ended(`${prefix}20261126T2200-logs.access-0123`)))).toEqual([
      statements,
    ]);
  });

  test("its folder of the lake", () => {
    const wanted =
      name === "main"
        ? ["loads/*"]
        : ["loads/columns/*", `loads/copies/${name}/*`, `loads/${name}/*`, `loads/done/${name}/*`];
    const puts = three
      .grants(`${prefix}LoaderHandlerRole`)
      .filter((grant) => grant.startsWith("s3:PutObject"));
    expect(puts.sort()).toEqual(
      wanted
        .sort()
        .map((key) => `s3:PutObject on <Lake>/${key}`)
        .sort(),
    );
  });

  test("alarms", () => {
    const alarms = three.all("AWS::CloudWatch::Alarm");
    for (const id of ["LoadLag", "LoadsFailed", "LoaderErrors", "LoaderSilent", "LoaderContestedSources"]) {
      const { Properties } = alarms[`Alarms${prefix}${id}`]!;
      expect(show(Properties["Dimensions"])).toContain(`Value=<${prefix}LoaderHandlerFunction>`);
    }
    expect(String(alarms[`Alarms${prefix}LoaderErrors`]!.Properties["AlarmDescription"])).toContain(
      "#loader-errors",
    );
  });

  test("outputs", () => {
    const outputs = three.template.findOutputs("*") as Record<string, { readonly Value: unknown }>;
    expect(show(outputs[`${prefix}LoaderDatabaseUser`]!.Value)).toBe(`IAMR:${role}`);
    expect(show(outputs[`${prefix}LoaderFunction`]!.Value)).toBe(`<${prefix}LoaderHandlerFunction>`);
    expect(show(outputs[`${prefix}${name === "bi" ? "Cluster" : "Workgroup"}`]!.Value)).toBe(
      name === "bi" ? "reporting" : `<${prefix}WarehouseWorkgroup>`,
    );
  });
});

test("no loader may ask another one's warehouse", () => {
  const asks = (id: string): string[] =>
    three
      .grants(id)
      .filter((grant) => grant.startsWith("redshift-data:BatchExecuteStatement"))
      .map((grant) => grant.split(" on ")[1]!);
  expect(asks("LoaderHandlerRole")).toEqual(["<WarehouseWorkgroup.Workgroup.WorkgroupArn>"]);
  expect(asks("ArchiveLoaderHandlerRole")).toEqual(["<ArchiveWarehouseWorkgroup.Workgroup.WorkgroupArn>"]);
  expect(asks("BiLoaderHandlerRole")).toEqual([
    "arn:<AWS::Partition>:redshift:<AWS::Region>:<AWS::AccountId>:cluster:reporting",
  ]);
});

test("each loader of a new warehouse is granted its own tables, there alone", () => {
  const grants = Object.values(three.all("Custom::WeirLoaderGrants")).map(({ Properties }) => Properties);
  expect(grants.map(({ Database, Tables }) => [Database, Tables])).toEqual([
    ["weir", ["logs.access"]],
    ["cold", ["kept.access"]],
  ]);
  expect(grants.map(({ User }) => show(User))).toEqual([
    "IAMR:Weir-loader-<AWS::Region>",
    "IAMR:Weir-loader_archive-<AWS::Region>",
  ]);
});

test("namespaces and workgroups have names of their own", () => {
  const names = Object.values(three.all("AWS::RedshiftServerless::Namespace")).map(({ Properties }) =>
    show(Properties["NamespaceName"]),
  );
  expect(names).toEqual([
    expect.stringMatching(/^weir-Select/),
    expect.stringMatching(/^weir-archive-Select/),
  ]);
});

test("the guard is told of all of them, and waited for by all", () => {
  const { Kind, Name, Database, Makes, Others, Replaces } = three.one("GuardWarehouse").Properties;
  const [main, archive] = ["WarehouseNamespace", "ArchiveWarehouseNamespace"].map((id) =>
    show(three.one(id).Properties["NamespaceName"]),
  );
  expect([Kind, show(Name), Database, Replaces]).toEqual(["new-serverless", main, "weir", ""]);
  expect(show(Makes)).toBe(`${main},${archive}`);
  expect(show(Others)).toBe(`new-serverless ${archive} cold,provisioned reporting reports`);
  for (const id of ["ArchiveWarehouseNamespace", "ArchiveWarehouseWorkgroup", "BiLoaderHandlerFunction"]) {
    expect(three.one(id).DependsOn?.some((needed) => needed.startsWith("GuardWarehouse"))).toBe(true);
  }
});

test("what each of them may leave behind is allowed by either", () => {
  const stack = new Synthesized({
    warehouse: { kind: "none", replaces: "weir-1a2b3c4d/weir" },
    warehouses: { bi: { ...PROVISIONED, replaces: "old/reports" } },
  });
  expect(stack.one("GuardWarehouse").Properties["Replaces"]).toBe("weir-1a2b3c4d/weir,old/reports");
});

test("warehouses of yours read the lake with one policy", () => {
  const yours = new Synthesized({ warehouse: EXISTING_SERVERLESS, warehouses: { bi: PROVISIONED } });
  expect(Object.keys(yours.all("AWS::IAM::ManagedPolicy")).filter((id) => id.startsWith("Copy"))).toEqual([
    "CopyPolicy",
  ]);
});

test("a warehouse that nobody loads is told of when the stack is synthesized", () => {
  const stack = weirStack(app({ ...THREE, types: types({ to: "redshift" }) }));
  Annotations.fromStack(stack).hasWarning(
    "*",
    Match.stringLikeRegexp('no destination loads the warehouse "bi"'),
  );
  expect(Annotations.fromStack(weirStack(app(THREE))).findWarning("*", Match.anyValue())).toEqual([]);
});

test("all of it passes CloudFormation's rules and cdk-nag", () => {
  expect(() => app(THREE).synth()).not.toThrow();
});
