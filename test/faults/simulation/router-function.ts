import { failure, type InvokeResult } from "../../../local/lambda/invoke-result.ts";
import { Router } from "../../../lambdas/router/router.ts";
import { streamRecords } from "../../../lambdas/router/stream-record.ts";
import { writeBatch } from "../../../lambdas/router/write-batch.ts";
import type { WeirConfig } from "../../../wire/config.ts";
import type { KinesisStreamEvent } from "aws-lambda";
import { type Bucket, type Invocation, LAKE } from "./bucket.ts";
import type { Chance } from "./chance.ts";
import type { VirtualTime } from "./virtual-time.ts";

const TIMEOUT_MS = 60_000;
const ANSWER_MS = 2_000;
const THROTTLED = "TooManyRequestsException";

/** The router's Lambda: its core, with what Lambda does to whoever runs in it. */
export class RouterFunction {
  /** Deployed without what it needs: it fails whatever it is given. */
  isBroken = false;
  #router: Router;
  readonly #bucket: Bucket;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  #invocations = 0;

  constructor(config: WeirConfig, bucket: Bucket, time: VirtualTime, chance: Chance) {
    this.#router = new Router(config);
    this.#bucket = bucket;
    this.#time = time;
    this.#chance = chance;
  }

  /** What is under way goes on with the configuration that it began with. */
  deploy(config: WeirConfig): void {
    this.#router = new Router(config);
  }

  async invoke(shardId: string, payload: string): Promise<InvokeResult> {
    const requestId = `request-${++this.#invocations}`;
    const name = `router ${shardId.slice(-2)}`;
    if (this.#chance.hits("router-throttled", name))
      return failure(requestId, THROTTLED, "Rate Exceeded", { throttled: true });
    await this.#time.sleep(this.#chance.random.int(5, 50));
    if (this.isBroken) return failure(requestId, "Runtime.ExitError", "exited before it answered");
    const invocation = { name, isDead: false };
    const timeoutMs = this.#chance.hits("router-killed", name) ? this.#chance.random.int(5, 200) : TIMEOUT_MS;
    const result = await Promise.race([
      this.#run(requestId, payload, invocation, timeoutMs),
      this.#time.sleep(timeoutMs).then(() => {
        invocation.isDead = true;
        return failure(requestId, "Sandbox.Timedout", "Task timed out", { timedOut: true });
      }),
    ]);
    // As when the function's answer does not reach the poller.
    if (result.ok && this.#chance.hits("invoke-answer-lost", name))
      return failure(requestId, "Runtime.ExitError", "no answer");
    return result;
  }

  /** As lambdas/router/handler.ts does. */
  async #run(
    requestId: string,
    payload: string,
    invocation: Invocation,
    timeoutMs: number,
  ): Promise<InvokeResult> {
    const routed = this.#router.route(streamRecords(JSON.parse(payload) as KinesisStreamEvent));
    const isLate = this.#chance.hits("router-clock-wrong", invocation.name);
    const now = new Date(this.#time.nowMs - (isLate ? this.#chance.random.int(30, 600) * 60_000 : 0));
    const deadline = AbortSignal.timeout(Math.max(0, timeoutMs - ANSWER_MS));
    const written = await writeBatch(
      this.#bucket.client(() => invocation),
      LAKE,
      routed,
      now,
      deadline,
    );
    const next = "retry" in written ? routed.id.firstSequenceNumber : routed.next;
    const batchItemFailures = next === undefined ? [] : [{ itemIdentifier: next }];
    return { ok: true, requestId, payload: JSON.stringify({ batchItemFailures }) };
  }
}
