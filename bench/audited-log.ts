import { Audit } from "../ops/audit/audit.ts";
import { readCommits } from "../ops/commits/read-commits.ts";
import { LogFolder } from "./log-folder.ts";
import { peakResidentMb } from "./peak-resident.ts";

/** What an audit of a whole log took. */
export interface AuditedLog {
  readonly commits: number;
  readonly balanced: boolean;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
  /** Objects that were got from S3. */
  readonly fetched: number;
}

const [folder, cacheRoot] = process.argv.slice(2);
const s3 = new LogFolder(folder!);
const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
const audit = new Audit({ now: new Date("2027-01-01T00:00:00Z") });
const place = { s3: s3.client(), bucket: "lake", title: "bench" };
for await (const found of readCommits(place, { cacheRoot: cacheRoot! })) audit.add(found);
const { commits, balanced } = audit.end();
const { user, system } = process.cpuUsage(cpu);
const audited: AuditedLog = {
  commits,
  balanced,
  seconds: (performance.now() - startedAt) / 1_000,
  cpuSeconds: (user + system) / 1e6,
  peakMb: peakResidentMb(),
  fetched: s3.got,
};
console.log(JSON.stringify(audited));
