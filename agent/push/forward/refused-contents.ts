import { hash } from "node:crypto";
import { ForwardError } from "./forward-error.ts";

/** Length of the beginning that a content is known by, besides its tag and its length. */
export const KNOWN_BY_BYTES = 4_096;
const KEPT = 1_000;
const KEPT_MS = 3_600_000;

interface Refusal {
  readonly error: ForwardError;
  readonly atMs: number;
}

/**
 * Contents that were found to be too much, or broken, only when a part of them was stored. Their senders send
 * them again, and again a part would be stored: for an hour they are refused as they begin.
 */
export class RefusedContents {
  readonly #refusals = new Map<string, Refusal>();

  key(tag: string, bytes: number, beginning: Buffer): string {
    return hash("sha256", Buffer.concat([Buffer.from(`${tag}\n${bytes}\n`), beginning]));
  }

  /** @throws ForwardError, the same as before */
  assertNew(key: string, nowMs: number): void {
    const refusal = this.#refusals.get(key);
    if (refusal === undefined || nowMs - refusal.atMs > KEPT_MS) return;
    const { code, message } = refusal.error;
    throw new ForwardError(code, `${message}; as before, within the hour`);
  }

  add(key: string, error: ForwardError, nowMs: number): void {
    if (this.#refusals.size >= KEPT) this.#refusals.delete(this.#refusals.keys().next().value!);
    this.#refusals.delete(key);
    this.#refusals.set(key, { error, atMs: nowMs });
  }
}
