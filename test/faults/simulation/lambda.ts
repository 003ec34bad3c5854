import type { Invocation } from "./bucket.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What came of an invocation: its answer, or why there is none. */
export interface Outcome {
  readonly name: string;
  readonly report?: object;
  readonly error?: Error;
}

/** Runs a function for as long as Lambda lets it: then nothing is heard of it any more. */
export async function withinTime(
  name: string,
  timeoutMs: number,
  time: VirtualTime,
  run: (invocation: Invocation) => Promise<object>,
): Promise<Outcome> {
  const invocation = { name, isDead: false };
  const over = new AbortController();
  const answered = run(invocation).then(
    (report) => ({ name, report }),
    (error: unknown) => ({ name, error: error as Error }),
  );
  const timedOut = time.sleep(timeoutMs, over.signal).then(
    () => {
      invocation.isDead = true;
      return { name };
    },
    () => ({ name }),
  );
  const outcome = await Promise.race([answered, timedOut]);
  over.abort();
  return outcome;
}
