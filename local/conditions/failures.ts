import type { FailingFunction } from "./facts.ts";

/** Time without a failure after which the next one begins a new count. */
const FORGET_MS = 60_000;

/** What became of a part's last invocations, and since when they fail. */
export class Failures {
  readonly #parts = new Map<
    string,
    { readonly failing: FailingFunction; readonly rows: Map<string, number> }
  >();

  /**
   * @param lane of invocations that follow one another, such as a shard: others may go well meanwhile; undefined for
   *   what failed between two of them
   * @param error undefined for one that ended well
   */
  add(part: string, lane: string | undefined, error: string | undefined, atMs: number): void {
    const known = this.#parts.get(part);
    if (error === undefined) {
      known?.rows.delete(lane ?? "");
      return;
    }
    const isNew = known === undefined || (known.rows.size === 0 && atMs - known.failing.lastAtMs > FORGET_MS);
    const { rows, failing } = isNew ? { rows: new Map<string, number>(), failing: undefined } : known;
    if (lane !== undefined) rows.set(lane, (rows.get(lane) ?? 0) + 1);
    const { failures = 0, sinceMs = atMs } = failing ?? {};
    const counted = { part, failures: failures + 1, inRow: 0, sinceMs, lastAtMs: atMs, error };
    this.#parts.set(part, { rows, failing: counted });
  }

  get all(): FailingFunction[] {
    return [...this.#parts.values()].map(({ failing, rows }) => ({
      ...failing,
      inRow: Math.max(0, ...rows.values()),
    }));
  }
}
