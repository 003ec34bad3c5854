import { CommitLog } from "../lambdas/commit-log/commit-log.ts";
import type { DataApi } from "../lambdas/loader/data-api.ts";
import { Lake } from "../lambdas/loader/lake.ts";
import { savedState } from "../lambdas/loader/state.ts";
import { targetsOf } from "../lambdas/loader/target.ts";
import { tick } from "../lambdas/loader/tick.ts";
import { parseConfig } from "../wire/config.ts";
import { LogFolder } from "./log-folder.ts";
import { peakResidentMb } from "./peak-resident.ts";

/** Loads a log to its end into a warehouse that does nothing, and prints what planning took. */
const bucket = new LogFolder(process.argv[2]!);
const s3 = bucket.client();
const config = parseConfig(
  {
    warehouse: { kind: "new-serverless" },
    types: [
      {
        name: "access",
        parse: { format: "json" },
        columns: [{ name: "note", type: "varchar(8)" }],
        destinations: [{ to: "redshift" }],
      },
    ],
  },
  "bench",
);
const idle = {
  ask: async () => [],
  run: async () => {},
  submit: async () => "statement",
  describe: async () => ({ Id: "statement", Status: "FINISHED" }),
};
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const saved = savedState(s3, "lake");
const parts = {
  targets: targetsOf(config),
  saved,
  commitLog: new CommitLog(s3, "lake"),
  lake: new Lake(s3, "lake"),
  api: idle as unknown as DataApi,
  storage: { bucket: "lake", copyRoleArn: "arn:aws:iam::000000000000:role/copy" },
  now: () => new Date("2026-11-22T00:00:00Z"),
  log: silent,
};

export interface PlannedLoads {
  readonly loads: readonly { seconds: number; cpuSeconds: number; commits: number; stateBytes: number }[];
  readonly peakMb: number;
  readonly requests: number;
}

const loads: PlannedLoads["loads"][number][] = [];
for (;;) {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await tick(parts, true);
  const { user, system } = process.cpuUsage(cpu);
  const { load } = (await saved.read()).tables["logs.access"]!;
  if (load === undefined) break;
  loads.push({
    seconds: (performance.now() - start) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    commits: load.commits.rows,
    stateBytes: bucket.stateBytes,
  });
}
console.log(JSON.stringify({ loads, peakMb: peakResidentMb(), requests: bucket.requests }));
