import type { Random } from "../../sequencer/random.ts";
import { FAULTS, type FaultName } from "./faults.ts";

/** Decides which faults happen, and counts them. */
export class Chance {
  /** False once everything is to come to its end. */
  isOn = true;
  readonly counts = new Map<FaultName, number>();
  readonly random: Random;
  readonly #without: ReadonlySet<FaultName>;
  readonly #note: (what: string) => void;
  /** How much more, or less, happens in this history than usually. */
  readonly #intensity: number;

  constructor(random: Random, without: ReadonlySet<FaultName>, note: (what: string) => void) {
    this.random = random;
    this.#without = without;
    this.#note = note;
    this.#intensity = random.pick([0, 0.5, 1, 1, 1, 2]);
  }

  /** Whether a fault happens now. @param where for the trace */
  hits(fault: FaultName, where = ""): boolean {
    // Drawn in any case: what is left out changes nothing else.
    const isDrawn = this.random.chance(FAULTS[fault].probability * this.#intensity);
    if (!isDrawn || !this.isOn || this.#without.has(fault)) return false;
    this.happened(fault, where);
    return true;
  }

  /** One that a step of the history brings about. */
  happened(fault: FaultName, where = ""): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    this.#note(`! ${fault}${where && ` ${where}`}`);
  }
}
