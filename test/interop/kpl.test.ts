import { expect, test } from "vitest";
import { isAggregate } from "../../wire/deaggregate.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { foreignRecords } from "./aggregates.ts";
import { hasJava } from "./java.ts";
import { putWithKpl } from "./kpl.ts";

const told = (partitionKey: string, data: Uint8Array): string =>
  `${partitionKey} ${Buffer.from(data).toString("hex")}`;

test.skipIf(!hasJava)("every aggregate of the KPL is read by us (needs java and mvn)", async () => {
  const records = foreignRecords().flat();
  const arrived = await putWithKpl(records);
  const read = arrived.flatMap(({ data, partitionKey }) => openEnvelope(data, partitionKey).userRecords);
  expect(read.map(({ partitionKey, data }) => told(partitionKey, data)).sort()).toEqual(
    [told("first", Buffer.from("first")), ...records.map((r) => told(r.partitionKey, r.data))].sort(),
  );
  expect(arrived.filter(({ data }) => isAggregate(data)).length).toBeGreaterThan(3);
});
