import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKinesis } from "../../local/kinesis.ts";
import type { StoredRecord } from "../agent/fault-kinesis.ts";
import { LocalStream } from "../agent/local-stream.ts";
import { runJava } from "./java.ts";
import { startKplEndpoint } from "./kpl-endpoint.ts";
import { type ForeignRecord, written } from "./user-records.ts";

/** @returns what the KPL makes of user records for a stream of three shards, on which it is alone */
export async function putWithKpl(records: readonly ForeignRecord[]): Promise<StoredRecord[]> {
  const kinesis = await startKinesis({ streams: [{ name: "kpl", shards: 3 }] });
  const folder = await mkdtemp(join(tmpdir(), "weir-kpl-"));
  try {
    await using endpoint = await startKplEndpoint(kinesis.endpoint);
    await using stream = await LocalStream.open(kinesis.endpoint, "kpl");
    const args = [`${endpoint.port}`, stream.name, folder];
    await runJava("WriteWithKpl.java", args, { input: written(records) });
    return await stream.records();
  } finally {
    await kinesis.stop();
    await rm(folder, { recursive: true });
  }
}
