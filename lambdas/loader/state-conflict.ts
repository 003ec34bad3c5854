import { setTimeout as sleep } from "node:timers/promises";
import { CommitLogError } from "../commit-log/commit-log-error.ts";

/** Ticks and commands take seconds, and there are few of either. */
const ATTEMPTS = 5;
const LONGEST_WAIT_MS = 1_000;

/**
 * Runs a tick or a command, and begins anew where another one saved the state meanwhile: of two at the same time, the
 * slower one works on what the faster one has left.
 *
 * @throws CommitLogError STATE_CONFLICT where that happens again and again
 */
export async function beginAnewOnConflict<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const conflict = error instanceof CommitLogError && error.code === "STATE_CONFLICT";
      if (!conflict || attempt === ATTEMPTS) throw error;
      // By chance, so that the two do not meet again.
      await sleep(Math.random() * LONGEST_WAIT_MS);
    }
  }
}
