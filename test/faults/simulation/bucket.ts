import type { S3Client } from "@aws-sdk/client-s3";
import { MemoryS3 } from "../../../bench/memory-s3.ts";
import type { Chance } from "./chance.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const LAKE = "lake";

/** Of the SDK's clients, unless they say otherwise. */
const SDK_ATTEMPTS = 3;

/** What runs in a Lambda function: once its time is up, nothing is heard of it any more. */
export interface Invocation {
  readonly name: string;
  isDead: boolean;
}

/** The lake, over a network: requests take their time, fail, and are carried out without anybody hearing of it. */
export class Bucket {
  readonly memory = new MemoryS3();
  readonly #time: VirtualTime;
  readonly #chance: Chance;

  constructor(time: VirtualTime, chance: Chance) {
    this.#time = time;
    this.#chance = chance;
    this.memory.now = () => new Date(time.nowMs);
    this.memory.pageKeys = chance.random.int(3, 40);
  }

  /** @param invoked what the function's instance is at */
  client(invoked: () => Invocation): S3Client {
    return this.memory.client(async ({ kind, key }, carryOut) => {
      const invocation = invoked();
      const where = `${invocation.name} ${kind} ${key.slice(0, key.indexOf("/") + 1)}`;
      const failures = this.#failures(where);
      // The SDK makes a request again that may go better.
      for (let attempt = 1; ; attempt++) {
        const answer = await this.#request(invocation, failures[attempt - 1], carryOut);
        if (answer) return answer();
        if (attempt === SDK_ATTEMPTS) throw unavailable();
      }
    });
  }

  /** How the attempts at one request fail. */
  #failures(where: string): readonly ("refused" | "answer-lost")[] {
    const count = this.#chance.random.int(1, SDK_ATTEMPTS);
    if (this.#chance.hits("s3-refused", where)) return Array<"refused">(count).fill("refused");
    return this.#chance.hits("s3-answer-lost", where) ? Array<"answer-lost">(count).fill("answer-lost") : [];
  }

  /** @returns undefined where it has failed */
  async #request<T>(
    invocation: Invocation,
    failure: "refused" | "answer-lost" | undefined,
    carryOut: () => T,
  ): Promise<(() => T) | undefined> {
    await this.#time.sleep(this.#chance.random.int(2, 25));
    if (invocation.isDead) {
      // Of the requests of a function that is over some arrive all the same.
      if (this.#chance.random.chance(0.5)) settled(carryOut);
      return never();
    }
    if (failure === "refused") return undefined;
    const answer = settled(carryOut);
    await this.#time.sleep(this.#chance.random.int(2, 25));
    if (invocation.isDead) return never();
    return failure === undefined ? answer : undefined;
  }
}

/** @returns what tells how it went */
function settled<T>(carryOut: () => T): () => T {
  try {
    const answer = carryOut();
    return () => answer;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

export const never = <T>(): Promise<T> => new Promise<T>(() => {});

const unavailable = (): Error =>
  Object.assign(new Error("try again"), { name: "ServiceUnavailable", $metadata: { httpStatusCode: 503 } });
