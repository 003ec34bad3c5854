import { Wake } from "./wake.ts";

/** Lambda's own words. source: GetEventSourceMapping reference, read 2026-11 */
export type MappingState = "Enabled" | "Disabling" | "Disabled" | "Enabling";

/** Lambda takes seconds for either; some time it should take here too, so that nobody forgets to wait. */
const CHANGE_MS = 250;

/** Whether a mapping reads and invokes. What is read and not done stays where it is while it does not. */
export class MappingSwitch {
  readonly #changed = new Wake();
  #on = true;
  #changedAtMs = -Infinity;

  /** @param atMs the time now */
  turn(on: boolean, atMs: number): void {
    if (on === this.#on) return;
    this.#on = on;
    this.#changedAtMs = atMs;
    this.#changed.wake();
  }

  /** @param idle whether no invocation is under way */
  state(idle: boolean, nowMs: number): MappingState {
    const changing = nowMs < this.#changedAtMs + CHANGE_MS;
    if (this.#on) return changing ? "Enabling" : "Enabled";
    return changing || !idle ? "Disabling" : "Disabled";
  }

  /** Resolves once it is on, or on abort. */
  async on(signal: AbortSignal): Promise<void> {
    while (!this.#on && !signal.aborted) await this.#changed.wait(Infinity, signal);
  }
}
