import type { S3Client } from "@aws-sdk/client-s3";
import { LogHeads } from "../../../lambdas/sequencer/log-heads.ts";
import { run } from "../../../lambdas/sequencer/run.ts";
import type { SequencerLimits } from "../../../lambdas/sequencer/sequencer-parts.ts";
import { type Bucket, type Invocation, LAKE } from "./bucket.ts";
import type { Chance } from "./chance.ts";
import { type Outcome, withinTime } from "./lambda.ts";
import type { VirtualTime } from "./virtual-time.ts";

const TIMEOUT_MS = 60_000;
const SEQUENCE_MS = 40_000;
const SWEEP_MS = 50_000;

/** The sequencer's Lambda, whose instances remember the log's end. */
export class SequencerFunction {
  readonly #bucket: Bucket;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #limits: SequencerLimits;
  readonly #idle: Instance[] = [];
  #invocations = 0;

  constructor(bucket: Bucket, time: VirtualTime, chance: Chance) {
    const { random } = chance;
    this.#bucket = bucket;
    this.#time = time;
    this.#chance = chance;
    this.#limits = { commits: random.int(2, 12), bytes: 50_000, lookups: random.int(2, 30) };
  }

  /** What the schedule does every minute. */
  async invoke(): Promise<readonly Outcome[]> {
    const isDoubled = this.#chance.hits("sequencer-doubled");
    return Promise.all(Array.from({ length: isDoubled ? 2 : 1 }, () => this.#run()));
  }

  #run(): Promise<Outcome> {
    const name = `sequencer ${++this.#invocations}`;
    const isShort = this.#chance.hits("sequencer-killed", name);
    const timeoutMs = isShort ? this.#chance.random.int(5, 500) : TIMEOUT_MS;
    const isCold = this.#chance.hits("sequencer-cold", name);
    const instance = (!isCold && this.#idle.pop()) || new Instance(this.#bucket);
    return withinTime(name, timeoutMs, this.#time, async (invocation) => {
      instance.invocation = invocation;
      const startedAt = this.#time.nowMs;
      const { failures, ...report } = await run({
        s3: instance.s3,
        bucket: LAKE,
        heads: instance.heads,
        limits: this.#limits,
        now: () => new Date(this.#time.nowMs),
        until: new Date(startedAt + SEQUENCE_MS),
        sweepUntil: new Date(startedAt + SWEEP_MS),
        log: { warn: () => {} },
      });
      this.#idle.push(instance);
      const [failure] = failures;
      if (failure) throw failure;
      return report;
    });
  }
}

/** What stays of an invocation for the next one, unless it dies. */
class Instance {
  invocation: Invocation = { name: "sequencer", isDead: false };
  readonly s3: S3Client;
  readonly heads: LogHeads;

  constructor(bucket: Bucket) {
    this.s3 = bucket.client(() => this.invocation);
    this.heads = new LogHeads(this.s3, LAKE);
  }
}
