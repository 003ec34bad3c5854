import { Router } from "../lambdas/router/router.ts";
import { streamRecords } from "../lambdas/router/stream-record.ts";
import { parseConfig, type WeirConfigInput } from "../wire/config.ts";
import { deflate } from "../wire/envelope.ts";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../wire/limits.ts";
import type { FullEventFigures } from "./full-event.ts";
import { aggregates, eventOf } from "./kinesis-event.ts";
import { peakResidentMb } from "./peak-resident.ts";
import { photoLines } from "./sample-lines.ts";

/** Aggregates as an agent makes them. */
const AGGREGATE_BYTES = 2 ** 18;

/** Files the largest event that Lambda may hand over, of zstd aggregates, in a process that has just begun. */
const { default: config } = (await import(new URL("../weir.config.ts", import.meta.url).href)) as {
  default: WeirConfigInput;
};
const router = new Router(parseConfig(config, "weir.config.ts"));
const records: Buffer[] = [];
let payloadBytes = 0;
for (const aggregate of aggregates("photo", lines(), AGGREGATE_BYTES)) {
  const record = deflate(aggregate);
  payloadBytes += (record.length * 4) / 3;
  if (payloadBytes > LAMBDA_PAYLOAD_MAX_BYTES) break;
  records.push(record);
}
const event = eventOf(records);
const startUp = process.cpuUsage();
const { commit } = router.route(streamRecords(event));
const { user, system } = process.cpuUsage(startUp);
if (commit.records !== records.length) throw new Error(`${commit.records} records of ${records.length}`);
const figures: FullEventFigures = {
  cpuSeconds: (user + system) / 1e6,
  peakMb: peakResidentMb(),
  linesMb: commit.types["photo"]!.bytes / 1e6,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

function* lines(): Generator<Buffer> {
  for (const line of photoLines()) yield Buffer.from(line);
}
