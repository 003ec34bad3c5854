import { setTimeout as sleep } from "node:timers/promises";
import type { Heartbeat } from "./facts.ts";

const ASK_EVERY_MS = 1_000;
/** A question that has no answer by then is asked anew: its connection may be what is broken. */
const ASK_AGAIN_MS = 5_000;

/** Asks parts again and again whether they are there: each answers in its own time, and keeps no other waiting. */
export class Heartbeats {
  readonly #answeredAtMs = new Map<string, number>();

  /** Asks a part until the signal. @param ask rejects where no answer came */
  follow(part: string, ask: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): void {
    this.#answeredAtMs.set(part, Date.now());
    void this.#follow(part, ask, signal);
  }

  get all(): Heartbeat[] {
    return [...this.#answeredAtMs].map(([part, answeredAtMs]) => ({ part, answeredAtMs }));
  }

  async #follow(
    part: string,
    ask: (signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await ask(AbortSignal.any([signal, AbortSignal.timeout(ASK_AGAIN_MS)]));
        this.#answeredAtMs.set(part, Date.now());
      } catch {
        // It is told by how long ago the last answer is.
      }
      await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Any answer is one: it is the process that is asked for, not what it knows. A connection that stays would keep it from ending. */
export async function askHttp(endpoint: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(endpoint, { signal, headers: { connection: "close" } });
  await response.body?.cancel();
}
