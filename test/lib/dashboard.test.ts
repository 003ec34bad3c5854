import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NEW_SERVERLESS, PROVISIONED, show, Synthesized } from "./synth.ts";

const stack = new Synthesized({
  warehouse: NEW_SERVERLESS,
  warehouses: { bi: PROVISIONED },
  stream: { retentionHours: 24 },
  types: [
    {
      name: "access",
      parse: { format: "json" },
      columns: [{ name: "status", type: "smallint" }],
      destinations: [{ to: "redshift" }, { to: "redshift", warehouse: "bi", schema: "seen" }],
    },
  ],
});

interface Widget {
  readonly type: string;
  readonly width: number;
  readonly properties: {
    readonly title: string;
    readonly alarms?: readonly string[];
    readonly metrics?: readonly (readonly unknown[])[];
    readonly annotations?: { readonly horizontal: readonly { readonly value: number }[] };
  };
}

const [page] = Object.values(stack.all("AWS::CloudWatch::Dashboard"));
const { widgets } = JSON.parse(show(page!.Properties["DashboardBody"])) as { widgets: readonly Widget[] };
const titled = (text: string): Widget => widgets.find(({ properties: { title } }) => title.startsWith(text))!;
/** "namespace name dimension=value ...", one for each line of a graph. */
const lines = ({ properties: { metrics = [] } }: Widget): string[] =>
  metrics.map(([namespace, name, ...rest]) => {
    const dimensions = rest.filter((one) => typeof one === "string");
    const pairs = dimensions.flatMap((key, i) => (i % 2 === 0 ? `${key}=${dimensions[i + 1]}` : []));
    return [namespace, name, ...pairs].join(" ");
  });

test("one dashboard is named after stack and region: the account has one of a name", () => {
  expect(Object.keys(stack.all("AWS::CloudWatch::Dashboard"))).toHaveLength(1);
  expect(show(page!.Properties["DashboardName"])).toBe("Weir-<AWS::Region>");
});

test("every alarm is on it, first", () => {
  const alarms = Object.keys(stack.all("AWS::CloudWatch::Alarm")).map((id) => `<${id}>`);
  expect([...widgets[0]!.properties.alarms!].sort()).toEqual(alarms.sort());
});

test("iterator age is beside what the alarm and the retention allow", () => {
  const { annotations } = titled("Iterator age").properties;
  expect(annotations!.horizontal.map(({ value }) => value)).toEqual([900_000, 86_400_000]);
});

describe.each([
  ["main", "LoaderHandlerFunction", "logs.access"],
  ["bi", "BiLoaderHandlerFunction", "seen.access"],
])("the warehouse %s has", (name, loader, table) => {
  test.each([
    ["seconds behind", "LoadLagSeconds"],
    ["rows loaded", "RowsLoaded"],
    ["seconds that loads take", "LoadSeconds"],
  ])("%s by table", (title, metric) => {
    expect(lines(titled(`Warehouse ${name}: ${title}`))).toEqual([
      `Weir ${metric} service=<${loader}> table=${table}`,
    ]);
  });

  test("what was left out, and what it costs", () => {
    const shown = widgets.filter(({ properties: { title } }) => title.startsWith(`Warehouse ${name}:`));
    const names = shown.flatMap(lines).map((line) => line.split(" ")[1]);
    expect(names).toEqual(
      expect.arrayContaining([
        "DuplicatesRemoved",
        "Conflicts",
        "RowsErased",
        "RowsSetAside",
        "RpuSecondsEstimated",
      ]),
    );
  });
});

test("no metric of ours is on it that docs/metrics.md does not know", () => {
  const known = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const ours = widgets.flatMap(lines).filter((line) => line.startsWith("Weir "));
  expect(ours.length).toBeGreaterThan(20);
  for (const line of ours) expect(known).toContain(`\`${line.split(" ")[1]}\``);
});
