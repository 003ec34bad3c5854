import { fileURLToPath } from "node:url";
import { linesOf, script } from "./child.ts";
import { rounded, type BenchRow } from "./cpu-time.ts";

export interface FullEventFigures {
  readonly cpuSeconds: number;
  readonly peakMb: number;
  /** Lines that the event holds. */
  readonly linesMb: number;
}

/** Limits that the router keeps at its configured memory, on a core of its own. */
const MAX_MB = 1_024;
const MAX_CPU_SECONDS = 10;

/** The largest event there may be, of compressed aggregates: what a function is given least time and memory for. */
export async function benchFullEvent(): Promise<BenchRow> {
  const child = script([fileURLToPath(new URL("full-event-child.ts", import.meta.url))]);
  const { cpuSeconds, peakMb, linesMb } = JSON.parse(await linesOf(child)()) as FullEventFigures;
  if (peakMb > MAX_MB || cpuSeconds > MAX_CPU_SECONDS)
    throw new Error(`a full event takes ${peakMb} MB and ${cpuSeconds} s`);
  return {
    name: `a first event of 6 MB of zstd aggregates, ${Math.round(linesMb)} MB of JSON lines`,
    figures: {
      "CPU s/GB": rounded(cpuSeconds / (linesMb / 1e3)),
      "CPU s": rounded(cpuSeconds),
      "resident MB": Math.round(peakMb),
    },
  };
}
