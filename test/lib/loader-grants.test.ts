import { expect, test } from "vitest";
import type { WeirConfigInput } from "../../wire/config.ts";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, Synthesized, show } from "./synth.ts";

type LogType = WeirConfigInput["types"][number];

const columns: LogType["columns"] = [{ name: "status", type: "smallint" }];
const inTwoTables: LogType = {
  name: "access",
  parse: { format: "json" },
  columns,
  destinations: ["logs", "archive"].map((schema) => ({ to: "redshift", schema })),
};
const inTheLake: LogType = { name: "audit", parse: { format: "json" }, columns };

const stack = new Synthesized({ warehouse: NEW_SERVERLESS, types: [inTwoTables, inTheLake] });
const { Properties: resource } = stack.one("LoaderGrants");

test("the deployment grants the loader's user what it needs of each table, and waits for it no longer than need be", () => {
  const { Workgroup, Database, User, Tables, ServiceToken, ServiceTimeout } = resource;
  expect(show({ Workgroup, Database, User, Tables, ServiceToken, ServiceTimeout })).toBe(
    "Workgroup=<WarehouseWorkgroup> Database=weir User=IAMR:Weir-loader-<AWS::Region> " +
      "Tables=logs.access | archive.access ServiceToken=<LoaderGrantsHandlerFunction> ServiceTimeout=600",
  );
  expect(stack.one("LoaderGrantsHandlerFunction").Properties["Timeout"]).toBeLessThan(Number(ServiceTimeout));
});

test("the secret is the one that Redshift makes for the administrator of the namespace", () => {
  expect(show(resource["Secret"])).toBe(
    "redshift!<WarehouseNamespace>-<WarehouseNamespace.Namespace.AdminUsername>",
  );
});

/**
 * What a caller of the Data API with a secret needs. sources: "Authorizing access to the Amazon Redshift Data API"; six
 * characters behind the name, "Identify secrets by ARN pattern", Secrets Manager user guide, read 2026-11
 */
test("the function that grants may do exactly this", () => {
  const own = "if StringEquals=redshift-data:statement-owner-iam-userid=${aws:userid}";
  const secrets = "arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret";
  const secret = `${secrets}:${show(resource["Secret"])}-??????`;
  const workgroup = "<WarehouseWorkgroup.Workgroup.WorkgroupArn>";
  expect(stack.grants("LoaderGrantsHandlerRole")).toEqual(
    [
      "kms:Decrypt on <Key> if StringEquals=kms:ViaService=secretsmanager.<AWS::Region>.amazonaws.com " +
        `StringLike=kms:EncryptionContext:SecretARN=${secret}`,
      "logs:CreateLogStream on <LoaderGrantsHandlerLogs>",
      "logs:PutLogEvents on <LoaderGrantsHandlerLogs>",
      `redshift-data:BatchExecuteStatement on ${workgroup}`,
      `redshift-data:DescribeStatement on * ${own}`,
      `redshift-data:ExecuteStatement on ${workgroup}`,
      `redshift-data:GetStatementResult on * ${own}`,
      `secretsmanager:GetSecretValue on ${secret}`,
    ].sort(),
  );
});

test("it runs before the loader knows of a table, and once its own role has its policy", () => {
  expect(show(stack.one("LoaderHandlerFunction").DependsOn)).toMatch(/\bLoaderGrants[0-9A-F]{8}\b/);
  expect(show(stack.one("LoaderGrants").DependsOn)).toContain("LoaderGrantsHandlerRoleDefaultPolicy");
});

test("it runs again when there is another table, and not when there is another type without one", () => {
  const granted = (...types: LogType[]): string =>
    show(new Synthesized({ warehouse: NEW_SERVERLESS, types }).one("LoaderGrants").Properties);
  expect(granted(inTwoTables)).toBe(granted(inTwoTables, inTheLake));
  expect(granted(inTheLake)).not.toBe(granted(inTwoTables, inTheLake));
});

test("a namespace from before has its administrator's secret, under the key of that time", () => {
  const warehouse = { ...NEW_SERVERLESS, namespace: "weir-5f1b88ea" };
  const back = new Synthesized({ warehouse });
  expect(back.one("LoaderGrants").Properties["Secret"]).toBe("redshift!weir-5f1b88ea-admin");
  expect(back.grants("LoaderGrantsHandlerRole").join()).toContain(
    "kms:Decrypt on arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/????????-????-????-????-????????????",
  );
});

test("in a warehouse of somebody else's nobody signs in as its administrator", () => {
  const existing = new Synthesized({ warehouse: EXISTING_SERVERLESS });
  expect(existing.all("Custom::WeirLoaderGrants")).toEqual({});
  expect(JSON.stringify(existing.template.toJSON())).not.toContain("secretsmanager");
});

test("it makes the schema of the readers' views, where there is to be one", () => {
  const views = (readers?: WeirConfigInput["readers"]): unknown =>
    new Synthesized({ warehouse: NEW_SERVERLESS, types: [inTheLake], ...(readers && { readers }) }).one(
      "LoaderGrants",
    ).Properties["Views"];
  expect(views({ views: "people" })).toBe("people");
  expect(views()).toBeUndefined();
});
