/** A user record as other people's programs take and give it. */
export interface ForeignRecord {
  readonly partitionKey: string;
  readonly data: Buffer;
  readonly explicitHashKey: string | undefined;
}

const base64 = (value: string | Buffer): string => Buffer.from(value).toString("base64");

/** A line for each: partition key and data in base64, and the explicit hash key. */
export function written(records: readonly ForeignRecord[]): string {
  return records
    .map(
      (record) => `${base64(record.partitionKey)} ${base64(record.data)} ${record.explicitHashKey ?? ""}\n`,
    )
    .join("");
}

/** Of each Kinesis record a line with the number of its user records, and a line for each of those. */
export function parsed(output: string): ForeignRecord[][] {
  const lines = output.split("\n").slice(0, -1).values();
  return Array.from(lines, (count) =>
    Array.from({ length: Number(count) }, () => record(lines.next().value!)),
  );
}

function record(line: string): ForeignRecord {
  const [partitionKey = "", data = "", explicitHashKey = ""] = line.split(" ");
  return {
    partitionKey: Buffer.from(partitionKey, "base64").toString(),
    data: Buffer.from(data, "base64"),
    explicitHashKey: explicitHashKey === "" ? undefined : explicitHashKey,
  };
}
