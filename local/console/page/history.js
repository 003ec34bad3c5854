/** A figure of each type over the last minutes. */

const KEPT_POINTS = 600;
const COLOURS = 6;

/** At first there is next to nothing to show. */
const LEAST_SECONDS = 10;

export class History {
  /** Seconds since the epoch. */
  times = [];
  #types = [];
  #values = new Map();

  /** @param values by type; a type that was not there before has no line before */
  add(atMs, types, values) {
    this.times.push(atMs / 1_000);
    for (const type of types) {
      if (!this.#values.has(type)) this.#values.set(type, Array(this.times.length - 1).fill(null));
      this.#values.get(type).push(values[type] ?? 0);
    }
    if (this.times.length > KEPT_POINTS)
      for (const points of [this.times, ...this.#values.values()]) points.shift();
    this.#types = types;
  }

  get seconds() {
    return Math.max(LEAST_SECONDS, this.times.at(-1) - this.times[0]);
  }

  /** As a chart takes them. */
  get series() {
    return this.#types.map((label, i) => ({ label, colour: i % COLOURS, values: this.#values.get(label) }));
  }
}
