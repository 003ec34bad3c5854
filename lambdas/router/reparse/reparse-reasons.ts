import type { ReparseReason } from "../../../wire/router-command.ts";

/** Reasons that are told of one object: each of its lines may have another field at fault. */
const TOLD_REASONS = 20;

/** Counts why lines are rejected again, with the first line of each reason. */
export class ReparseReasons {
  readonly #reasons = new Map<string, ReparseReason & { count: number }>();

  /** @param example is made for the first of a reason */
  add(of: Pick<ReparseReason, "type" | "reason" | "field">, example: () => ReparseReason["example"]): void {
    const name = JSON.stringify([of.type, of.reason, of.field]);
    const known = this.#reasons.get(name);
    if (known) known.count++;
    else this.#reasons.set(name, { ...of, count: 1, example: example() });
  }

  toArray(): ReparseReason[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count).slice(0, TOLD_REASONS);
  }
}
