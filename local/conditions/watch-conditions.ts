import { statfs } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { duration } from "../../ops/access/text-table.ts";
import type { Cloud } from "../cloud.ts";
import { type Condition, sentence } from "./condition.ts";
import type { LakeTotals } from "../console/watch-lake.ts";
import type { Gauges } from "../run/gauges.ts";
import { askHttp } from "./heartbeats.ts";

const LOOK_EVERY_MS = 1_000;

/**
 * Looks every second whether all is as it should be, and says what changes.
 *
 * @param dir whose disk the run needs
 */
export function watchConditions(
  gauges: Gauges,
  cloud: Cloud,
  lake: Pick<LakeTotals, "types" | "rejects">,
  dir: string,
  say: (line: string) => void,
  signal: AbortSignal,
): void {
  const { signs } = gauges;
  const { heartbeats } = signs;
  heartbeats.follow("S3", (signal) => askHttp(cloud.s3Endpoint, signal), signal);
  heartbeats.follow("Kinesis", (signal) => askHttp(cloud.kinesisEndpoint, signal), signal);
  const { warehouse } = cloud;
  if (warehouse) heartbeats.follow("the warehouse", () => warehouse.query("SELECT 1"), signal);
  for (const name of cloud.warehouses.keys()) signs.onLoaderTick(undefined, name);
  const look = async (): Promise<void> => {
    signs.freeDiskBytes = await freeBytes(dir);
    const before = gauges.conditions;
    const now = gauges.look(cloud.mapping, lake);
    for (const line of conditionLines(before, now, Date.now())) say(line);
  };
  void repeat(look, signal);
}

async function repeat(look: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await look();
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function freeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch {
    // A folder that is gone is told by whoever writes there.
    return Infinity;
  }
}

/** What a terminal says when things change: each condition once when it begins, and once when it is over. */
export function conditionLines(
  before: readonly Condition[],
  now: readonly Condition[],
  atMs: number,
): string[] {
  const had = new Set(before.map(({ id }) => id));
  const has = new Set(now.map(({ id }) => id));
  return [
    ...now.filter(({ id }) => !had.has(id)).map((one) => `! ${sentence(one, atMs)}`),
    ...before.filter(({ id }) => !has.has(id)).map((one) => `${one.over}${after(one, atMs)}`),
  ];
}

/** A silence has a length; what failed now and then is told for a while longer than it did. */
const after = ({ told, sinceMs }: Condition, atMs: number): string =>
  told === "for" ? `, after ${duration((atMs - sinceMs) / 1_000)}` : "";
