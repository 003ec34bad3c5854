import { setImmediate } from "node:timers/promises";
import type { S3Client } from "@aws-sdk/client-s3";
import type { MemoryS3 } from "../../bench/memory-s3.ts";
import type { Random } from "./random.ts";

/** A request of a process that nobody has carried out yet. */
interface PendingRequest {
  readonly process: Process;
  /** @returns what tells the process how it went */
  readonly carryOut: () => () => void;
  readonly fail: (error: Error) => void;
}

/** A program on its way, which goes on only when its requests are answered. */
interface Process {
  isOver: boolean;
}

/** How often requests and processes fail, out of one. */
export interface Faults {
  /** A request fails, and nothing has happened. */
  readonly refused: number;
  /** A request is carried out, and fails all the same. */
  readonly answerLost: number;
  /** A process dies while its requests are on their way. */
  readonly death: number;
}

/**
 * Programs that run at the same time, each of whose requests waits its turn: which one is carried out next, fails,
 * or never comes back, is drawn by lot.
 */
export class Processes {
  faults: Faults = { refused: 0, answerLost: 0, death: 0 };
  readonly #s3: MemoryS3;
  readonly #random: Random;
  readonly #pending: PendingRequest[] = [];
  readonly #live = new Set<Process>();

  constructor(s3: MemoryS3, random: Random) {
    this.#s3 = s3;
    this.#random = random;
  }

  get live(): number {
    return this.#live.size;
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** @param program given a client of its own; it throws only what it should not */
  start(program: (s3: S3Client) => Promise<unknown>): void {
    const process: Process = { isOver: false };
    this.#live.add(process);
    const s3 = this.#s3.client((_, carryOut) => this.#wait(process, carryOut));
    void program(s3).finally(() => this.#live.delete(process));
  }

  /** Carries out one request, if there is any. */
  async step(): Promise<void> {
    for (let turns = 0; turns < 2 || (this.#pending.length === 0 && this.#live.size > 0); turns++) {
      await setImmediate();
    }
    if (this.#pending.length === 0) return;
    const [pending] = this.#pending.splice(this.#random.int(0, this.#pending.length - 1), 1);
    const { process, carryOut, fail } = pending!;
    if (this.#random.chance(this.faults.refused)) return fail(transient());
    const answer = carryOut();
    if (this.#random.chance(this.faults.death)) this.#kill(process);
    else if (this.#random.chance(this.faults.answerLost)) fail(transient());
    else answer();
  }

  /** What is on its way when a process dies may never arrive, or at any later time. */
  #kill(process: Process): void {
    process.isOver = true;
    this.#live.delete(process);
    const arrives = this.#pending.filter(
      (pending) => pending.process !== process || this.#random.chance(0.5),
    );
    this.#pending.splice(0, this.#pending.length, ...arrives);
  }

  #wait<T>(process: Process, carryOut: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      // Nothing is heard of the dead, and they ask for nothing.
      const answer = (settle: () => void) => (): void => {
        if (!process.isOver) settle();
      };
      if (process.isOver) return;
      this.#pending.push({
        process,
        carryOut: () => {
          try {
            const value = carryOut();
            return answer(() => resolve(value));
          } catch (error) {
            return answer(() => reject(error));
          }
        },
        fail: (error) => answer(() => reject(error))(),
      });
    });
  }
}

function transient(): Error {
  return Object.assign(new Error("try again"), { name: "InternalError", $metadata: { httpStatusCode: 500 } });
}
