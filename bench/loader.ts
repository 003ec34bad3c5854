import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linesOf, script } from "./child.ts";
import { type BenchRow, rounded } from "./cpu-time.ts";
import type { PlannedLoads } from "./planned-loads.ts";

const COMMITS = Number(process.env["WEIR_BENCH_COMMITS"] ?? 100_000);

/** As the function is deployed: see NODE_OPTIONS in lib/loader.ts. */
const NODE_OPTIONS = "--max-semi-space-size=8 --max-old-space-size=256";

/**
 * A loader that is behind by commits of 400 sources each, planning load after load until it has caught up: from the
 * tick's begin to the plan in the lake. The log is read from disk, and the warehouse has nothing to do.
 */
export async function benchLoader(): Promise<BenchRow[]> {
  return [
    await behind(`${COMMITS} commits of 92,400 sources`, COMMITS, false),
    await behind(`${COMMITS / 20} commits, each of sources of its own`, COMMITS / 20, true),
  ];
}

async function behind(name: string, commits: number, churn: boolean): Promise<BenchRow> {
  const folder = await mkdtemp(join(tmpdir(), "weir-log-"));
  try {
    await answer([join(import.meta.dirname, "written-log.ts"), folder, `${commits}`, `${churn}`]);
    const planned = await answer([join(import.meta.dirname, "planned-loads.ts"), folder], { NODE_OPTIONS });
    const { loads, peakMb, requests } = JSON.parse(planned) as PlannedLoads;
    const figures = {
      loads: loads.length,
      "commits a load": Math.max(...loads.map(({ commits }) => commits)),
      "s a load": rounded(median(loads.map(({ seconds }) => seconds))),
      "CPU s a load": rounded(median(loads.map(({ cpuSeconds }) => cpuSeconds))),
      "peak MB": Math.round(peakMb),
      "S3 requests": requests,
      "bytes of state": Math.max(...loads.map(({ stateBytes }) => stateBytes)),
    };
    return { name, figures };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function answer(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  return linesOf(script(args, environment))();
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

if (import.meta.main) for (const { name, figures } of await benchLoader()) console.log(name, figures);
