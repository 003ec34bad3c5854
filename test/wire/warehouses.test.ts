import { describe, expect, test } from "vitest";
import { targetsOf } from "../../lambdas/loader/target.ts";
import { type ConfigError, parseConfig, type WeirConfig } from "../../wire/config.ts";
import { loaderRoleName } from "../../wire/loader-role.ts";
import { loadsFolder, statementPrefix, unusedWarehouses, warehousesOf } from "../../wire/warehouses.ts";

const MAIN = { kind: "new-serverless" };
const CLUSTER = {
  kind: "provisioned",
  cluster: "reporting",
  database: "reports",
  copyRoleArn: "arn:aws:iam::111122223333:role/reporting-copy",
};
const WORKGROUP = {
  kind: "existing-serverless",
  workgroup: "analytics",
  workgroupArn: "arn:aws:redshift-serverless:eu-west-1:111122223333:workgroup/5f1b88ea",
  database: "reports",
  copyRoleArn: "arn:aws:iam::111122223333:role/analytics-copy",
};

/** With a type for each of these lists of destinations. */
function input(warehouses: object, ...destinations: object[][]): object {
  const types = destinations.map((destinations, i) => ({
    name: `type_${i}`,
    parse: { format: "json" },
    columns: [{ name: "a", type: "bigint" }],
    destinations,
  }));
  return { ...warehouses, types };
}

const parse = (config: object): WeirConfig => parseConfig(config, "test");

function problems(config: object): readonly string[] {
  try {
    parse(config);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

const names = (config: object): string[] => warehousesOf(parse(config)).map(({ name }) => name);

describe("a destination", () => {
  const both = { warehouse: MAIN, warehouses: { archive: CLUSTER } };

  test("goes to the warehouse that it names, and to the main one where it names none", () => {
    const config = parse(
      input(
        both,
        [{ to: "redshift" }, { to: "redshift", warehouse: "archive", schema: "old" }],
        [
          { to: "redshift", warehouse: "main", table: "a" },
          { to: "redshift", table: "b" },
        ],
        [{ to: "redshift", warehouse: "archive" }],
        [{ to: "s3" }],
      ),
    );
    expect(targetsOf(config).map(({ name }) => name)).toEqual(["logs.type_0", "logs.a", "logs.b"]);
    expect(targetsOf(config, "archive").map(({ name }) => name)).toEqual(["old.type_0", "logs.type_2"]);
  });

  test("goes to the only warehouse there is, whatever its name", () => {
    const config = parse(input({ warehouses: { archive: CLUSTER } }, [{ to: "redshift" }]));
    expect(targetsOf(config, "archive")).toHaveLength(1);
  });

  test("may be a table of the same name in another warehouse, and not twice in one", () => {
    const twice = (warehouse: string): object =>
      input(both, [{ to: "redshift" }, { to: "redshift", warehouse }]);
    expect(problems(twice("archive"))).toEqual([]);
    expect(problems({ ...twice("archive"), readers: { views: "seen" } })).toEqual([]);
    expect(problems(twice("main"))).toEqual(["types[0].destinations[1]: table logs.type_0 twice"]);
  });

  test.each([
    ["archiv", 'no warehouse "archiv": did you mean "archive"?'],
    ["Archive", 'no warehouse "Archive": did you mean "archive"?'],
    ["lake", 'no warehouse "lake": there is main, archive'],
  ])("that names %s is refused", (warehouse, message) => {
    expect(problems(input(both, [{ to: "s3" }, { to: "redshift", warehouse }]))).toEqual([
      `types[0].destinations[1].warehouse: ${message}`,
    ]);
  });

  test("has to say which, where there are several and none is the main one", () => {
    const config = input({ warehouses: { a: CLUSTER, b: WORKGROUP } }, [{ to: "redshift" }]);
    expect(problems(config)).toEqual([
      "types[0].destinations[0].warehouse: absent, and none of a, b is named main",
    ]);
  });
});

describe("warehouses", () => {
  test("are one, by whichever name it is given", () => {
    expect(names(input({ warehouse: MAIN }, [{ to: "s3" }]))).toEqual(["main"]);
    expect(names(input({ warehouses: { main: MAIN } }, [{ to: "s3" }]))).toEqual(["main"]);
    expect(names(input({}, [{ to: "s3" }]))).toEqual([]);
  });

  test("are several, the main one first", () => {
    const warehouses = { archive: CLUSTER, main: MAIN, bi: WORKGROUP };
    expect(names(input({ warehouses }, [{ to: "s3" }]))).toEqual(["main", "archive", "bi"]);
  });

  test("survive their way to the functions", () => {
    const config = parse(input({ warehouse: MAIN, warehouses: { archive: CLUSTER } }, [{ to: "redshift" }]));
    expect(parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test.each<[string, object, string | RegExp]>([
    ["main twice", { warehouse: MAIN, warehouses: { main: CLUSTER } }, /^warehouses\.main: twice/],
    ["of kind none", { warehouses: { archive: { kind: "none" } } }, /^warehouses\.archive\.kind: /],
    ["with a name of signs", { warehouses: { "old-logs": CLUSTER } }, /^warehouses.*lower case/],
    ["with a name too long", { warehouses: { abcdefghijklm: CLUSTER } }, /^warehouses.*at most 12/],
    ["called done", { warehouses: { done: CLUSTER } }, /^warehouses\.done: .*keeps for itself/],
    [
      "with a fault",
      { warehouses: { bi: { ...MAIN, baseCapacityRpu: 64 } } },
      "warehouses.bi.maxCapacityRpu: below baseCapacityRpu",
    ],
    [
      "of one database",
      { warehouse: CLUSTER, warehouses: { bi: { ...CLUSTER, database: "REPORTS" } } },
      /^warehouses\.bi: the place of warehouse "main"/,
    ],
  ])("%s are refused", (_, warehouses, problem) => {
    const [first] = problems(input(warehouses, [{ to: "s3" }]));
    expect(first).toMatch(problem);
  });

  test("may be two databases of one workgroup or cluster", () => {
    for (const one of [CLUSTER, WORKGROUP]) {
      const warehouses = { main: one, bi: { ...one, database: "other" } };
      expect(problems(input({ warehouses }, [{ to: "s3" }]))).toEqual([]);
    }
  });

  test("that nobody loads are known", () => {
    const both = { warehouse: MAIN, warehouses: { archive: CLUSTER } };
    expect(unusedWarehouses(parse(input(both, [{ to: "redshift" }])))).toEqual(["archive"]);
    expect(unusedWarehouses(parse(input(both, [{ to: "redshift", warehouse: "archive" }])))).toEqual([
      "main",
    ]);
    expect(unusedWarehouses(parse(input({ warehouse: MAIN }, [{ to: "s3" }])))).toEqual([]);
  });
});

describe("what a warehouse's name stands in", () => {
  const all = ["main", "a", "ab", "loader", "archive"];

  test("is for the main one what it was before there were others", () => {
    expect(loadsFolder("main")).toBe("");
    expect(statementPrefix("main")).toBe("weir-");
    expect(loaderRoleName("Weir", "eu-west-1", "main")).toBe("Weir-loader-eu-west-1");
  });

  test("begins no other one's statements", () => {
    for (const one of all) {
      for (const other of all.filter((name) => name !== one)) {
        const id = `${loadsFolder(other)}20261126T2200-logs.photo-0123456789ab`;
        expect(`${statementPrefix(other)}${id}`.startsWith(statementPrefix(one))).toBe(false);
      }
    }
  });

  test("makes a role of its own for each warehouse, stack and region, of 64 characters at most", () => {
    const stacks = ["Weir", "Weir-loader", "Weir-a", "W".repeat(40), `${"W".repeat(39)}X`];
    const roles = stacks.flatMap((stack) =>
      [...all, "abcdefghijkl"].map((name) => loaderRoleName(stack, "us-isof-south-1", name)),
    );
    expect(new Set(roles).size).toBe(roles.length);
    for (const role of roles) expect(role).toMatch(/^[\w+=,.@-]{1,64}$/);
  });
});
