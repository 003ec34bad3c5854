import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditedLog } from "./audited-log.ts";
import { linesOf, script } from "./child.ts";
import { type BenchRow, rounded } from "./cpu-time.ts";

const COMMITS = Number(process.env["WEIR_BENCH_COMMITS"] ?? 1_000_000);

/**
 * The core of `weir audit` over a whole log: 2,000 hosts with three files each. Segments come from a folder in the place
 * of S3, and then from the local cache.
 */
export async function benchAudit(): Promise<BenchRow[]> {
  return [
    ...(await audits("4 sources each", COMMITS, 4, 0)),
    ...(await audits("4 sources each, rotated after 12 commits", COMMITS, 4, 12)),
    ...(await audits("400 sources each", COMMITS / 100, 400, 0)),
  ];
}

/** Two audits: the first fills the cache. */
async function audits(what: string, commits: number, sources: number, turns: number): Promise<BenchRow[]> {
  const [folder, cache] = [
    await mkdtemp(join(tmpdir(), "weir-log-")),
    await mkdtemp(join(tmpdir(), "weir-cache-")),
  ];
  try {
    const here = (name: string): string => join(import.meta.dirname, name);
    await linesOf(script([here("audit-log.ts"), folder, `${commits}`, `${sources}`, `${turns}`]))();
    const rows: BenchRow[] = [];
    for (const from of ["from S3", "from the cache"]) {
      const audited = JSON.parse(
        await linesOf(script([here("audited-log.ts"), folder, cache]))(),
      ) as AuditedLog;
      if (!audited.balanced || audited.commits !== commits) {
        throw new Error(`${audited.commits} of ${commits} commits, balanced: ${audited.balanced}`);
      }
      const { seconds, cpuSeconds, peakMb, fetched } = audited;
      const figures = {
        seconds: rounded(seconds),
        "CPU s": rounded(cpuSeconds),
        "commits/CPU s": Math.round(commits / cpuSeconds),
        "peak MB": Math.round(peakMb),
        "S3 objects": fetched,
      };
      rows.push({ name: `${commits.toLocaleString("en-US")} commits, ${what}, ${from}`, figures });
    }
    return rows;
  } finally {
    for (const directory of [folder, cache]) await rm(directory, { recursive: true });
  }
}

if (import.meta.main) for (const { name, figures } of await benchAudit()) console.log(name, figures);
