import type { S3Client } from "@aws-sdk/client-s3";
import { MemoryS3, type Request } from "../../bench/memory-s3.ts";
import { CommitLog, type LogEntry } from "../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { LogHeads } from "../../lambdas/sequencer/log-heads.ts";
import { run, type RunReport } from "../../lambdas/sequencer/run.ts";
import { SEQUENCER_LIMITS, type SequencerLimits } from "../../lambdas/sequencer/sequencer-parts.ts";
import { commitMinutePrefix } from "../../wire/keys.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import { commitOf } from "../commit-log/log-fixture.ts";

const BUCKET = "lake";
const MINUTE_MS = 60_000;

/** A bucket in memory, a clock, and one instance of the sequencer. */
export class SequencerRig {
  readonly memory: MemoryS3;
  readonly warnings: string[] = [];
  readonly requests: Request[] = [];
  now = new Date("2026-11-21T10:00:30Z");
  limits: SequencerLimits = SEQUENCER_LIMITS;
  /** Until when a run begins work, by minutes of the clock. */
  runMinutes = 1;
  /** What a request fails with, if it does. */
  fault: (request: Request) => Error | undefined = () => undefined;
  readonly s3: S3Client;
  #heads: LogHeads;
  #commits = 0;

  constructor(memory = new MemoryS3()) {
    this.memory = memory;
    this.memory.now = () => this.now;
    this.s3 = this.memory.client(async (request, carryOut) => {
      this.requests.push(request);
      const error = this.fault(request);
      if (error) throw error;
      return carryOut();
    });
    this.#heads = new LogHeads(this.s3, BUCKET);
  }

  /** Puts commits into the minute that is so many minutes before now. @returns their keys, sorted */
  commit(count: number, minutesAgo = 0, body?: Buffer): string[] {
    const prefix = commitMinutePrefix(new Date(this.now.getTime() - minutesAgo * MINUTE_MS));
    return Array.from({ length: count }, () => {
      const n = this.#commits++;
      const key = `${prefix}${String(n).padStart(6, "0")}.json`;
      this.memory.put(key, body ?? commitOf(n).body);
      return key;
    });
  }

  pass(minutes: number): void {
    this.now = new Date(this.now.getTime() + minutes * MINUTE_MS);
  }

  /** Another instance, which remembers nothing. */
  restart(): void {
    this.#heads = new LogHeads(this.s3, BUCKET);
  }

  run(): Promise<RunReport> {
    const until = new Date(this.now.getTime() + this.runMinutes * MINUTE_MS);
    return run({
      s3: this.s3,
      bucket: BUCKET,
      heads: this.#heads,
      limits: this.limits,
      now: () => this.now,
      until,
      sweepUntil: until,
      log: { warn: (message, fields) => void this.warnings.push(`${message} ${JSON.stringify(fields)}`) },
    });
  }

  async entries(): Promise<LogEntry[]> {
    return Array.fromAsync(new CommitLog(this.s3, BUCKET).read(LOG_BEGINNING));
  }

  async keys(): Promise<string[]> {
    return (await this.entries()).map(({ key }) => key);
  }

  async heads(): Promise<SegmentHead[]> {
    const log = new CommitLog(this.s3, BUCKET);
    const heads: SegmentHead[] = [];
    for (let head = await log.head(1); head; head = await log.head(heads.length + 1)) heads.push(head);
    return heads;
  }
}

/** As the SDK names the services' errors. */
export function serviceError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
}
