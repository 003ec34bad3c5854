import { zstdDecompressSync } from "node:zlib";
import type { KinesisStreamEvent } from "aws-lambda";
import { zstd as compress } from "../lambdas/router/batch-writer.ts";
import type { Router } from "../lambdas/router/router.ts";
import { streamRecords } from "../lambdas/router/stream-record.ts";
import { readAggregate, soundAggregates } from "../wire/deaggregate.ts";
import { cpuSecondsPerGb, rounded } from "./cpu-time.ts";

const ROUNDS = 5;

/**
 * What the router's work over an event is made of, each part done by itself as the router does it: CPU-seconds a GB of
 * lines. What is left to parsing, checking and writing is the rest of the whole.
 */
export function routerParts(
  event: KinesisStreamEvent,
  bytes: number,
  router: Router,
): Readonly<Record<string, number>> {
  const records = streamRecords(event).map(({ data }) => data);
  const sound = soundAggregates(records);
  const all = new Set<Uint8Array>(records);
  const rows = router.route(streamRecords(event)).objects.map(({ body }) => zstdDecompressSync(body));
  const [base64, md5, deaggregation, zstd] = cpuSecondsPerGb(bytes, ROUNDS, [
    () => void streamRecords(event),
    () => {
      soundAggregates(records);
      for (const data of records) if (!sound.has(data)) readAggregate(data);
    },
    () => records.forEach((data) => readAggregate(data, all)),
    () => rows.forEach((rows) => compress(rows)),
  ]) as [number, number, number, number];
  return {
    "base64 s/GB": rounded(base64),
    "MD5 s/GB": rounded(md5),
    "deaggregation s/GB": rounded(deaggregation),
    "zstd s/GB": rounded(zstd),
  };
}
