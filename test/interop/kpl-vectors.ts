import { writeFile } from "node:fs/promises";
import { putWithKpl } from "./kpl.ts";

/** `node test/interop/kpl-vectors.ts`: keeps what the real KPL makes of a few user records. */
const FILE = new URL("../vectors/kpl-1.1.1.json", import.meta.url);
const HASH_KEYS = [undefined, "0", `${2n ** 127n}`, `${2n ** 128n - 1n}`];
const KEYS = ["access", "photo", "ログ", "1", "__proto__"];

const given = Array.from({ length: 40 }, (_, i) => ({
  partitionKey: KEYS[i % KEYS.length]!,
  explicitHashKey: HASH_KEYS[i % HASH_KEYS.length],
  data: Buffer.from(i % 7 === 0 ? Uint8Array.from({ length: i }, (_, byte) => 255 - byte) : `line ${i} é`),
}));

const records = (await putWithKpl(given)).filter(({ partitionKey }) => partitionKey !== "first");
const vectors = {
  madeBy: "amazon-kinesis-producer 1.1.1 from Maven, Linux x86-64, by test/interop/kpl-vectors.ts",
  given: given.map((record) => ({ ...record, data: record.data.toString("base64") })),
  records: records.map(({ partitionKey, data }) => ({ partitionKey, data: data.toString("base64") })),
};
await writeFile(FILE, `${JSON.stringify(vectors, null, 2)}\n`);
