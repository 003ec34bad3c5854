import { join } from "node:path";
import { expect, test } from "vitest";
import { foreignRecords, ourAggregates, ourReading } from "./aggregates.ts";
import { has, here, kept, run } from "./program.ts";
import { parsed, written } from "./user-records.ts";

const hasPython = has("python3");

/** Runs kinesis_agg.py with what requirements.txt names, in an environment of its own. */
async function runPython(mode: "read" | "write", input: string): Promise<string> {
  const environment = await kept("requirements.txt", async (path) => {
    await run("python3", ["-m", "venv", path]);
    await run(join(path, "bin/python"), ["-m", "pip", "install", "-q", "-r", here("requirements.txt")]);
  });
  return run(join(environment, "bin/python"), [here("kinesis_agg.py"), mode], { input });
}

test.skipIf(!hasPython)(
  "every aggregate of ours is read by PyPI's aws_kinesis_agg (needs python3)",
  async () => {
    const aggregates = ourAggregates();
    const input = aggregates.map((aggregate) => `${aggregate.toString("base64")}\n`).join("");
    expect(parsed(await runPython("read", input))).toEqual(aggregates.map(ourReading));
  },
);

test.skipIf(!hasPython)(
  "every aggregate of PyPI's aws_kinesis_agg is read by us (needs python3)",
  async () => {
    const groups = foreignRecords();
    const output = await runPython("write", groups.map((records) => `${written(records)}\n`).join(""));
    const aggregates = output.split("\n").slice(0, -1);
    expect(aggregates.map((aggregate) => ourReading(Buffer.from(aggregate, "base64")))).toEqual(groups);
  },
);
