import { rounded } from "./cpu-time.ts";
import type { WrittenLines } from "./access-log.ts";
import type { BenchRow } from "./cpu-time.ts";
import type { Job, Producer, ProducerCost } from "./producer.ts";
import { Sink } from "./sink.ts";

const GB = 10 ** 9;

/** Allows for little: what is acknowledged has arrived. */
const ARRIVAL_MS = 1_000;

/** Measures a producer until it is through with a file. @throws Error where not all of it has arrived */
export async function fullSpeedRow(
  name: string,
  producer: Pick<Producer, "drain">,
  written: WrittenLines,
  how: Omit<Job, "endpoint">,
): Promise<BenchRow> {
  await using sink = await Sink.start(how.certificate);
  const startedAt = performance.now();
  const cost = await producer.drain({ ...how, endpoint: sink.endpoint });
  const seconds = (performance.now() - startedAt) / 1_000;
  const sent = await sink.receive(written, ARRIVAL_MS).catch((error: Error) => {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  });
  const gigabytes = written.bytes / GB;
  return {
    name,
    figures: {
      "CPU s/GB": rounded(cost.cpuSeconds / gigabytes),
      "MB/s per core": Math.round(written.bytes / 1e6 / cost.cpuSeconds),
      ...startUp(cost),
      "wall s/GB": rounded(seconds / gigabytes),
      "resident MB": Math.round(cost.residentMb),
      "wire MB/GB": Math.round(sent.bytes / 1e6 / gigabytes),
      "records/GB": Math.round(sent.records / gigabytes),
      "requests/GB": Math.round(sent.requests / gigabytes),
    },
  };
}

function startUp({ startUpCpuSeconds }: ProducerCost): BenchRow["figures"] {
  return startUpCpuSeconds === undefined ? {} : { "start-up CPU s": rounded(startUpCpuSeconds) };
}
