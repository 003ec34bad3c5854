import { undeliveredBytes } from "./pace.ts";
import { waitingBytes } from "./spool-age.ts";
import type { Vitals } from "./vitals.ts";

export const SAMPLE_EVERY_MS = 5_000;
/** A quarter of an hour. */
const MAX_SAMPLES = 180;
/** Shards with a history of their own: the first that were written to, of those that are open. */
const MAX_SHARDS = 32;

/** What is drawn as it is at a moment. */
const LEVELS = {
  lagSeconds: ({ files, pace }: Vitals) => pace.mostLagMs(files) / 1_000,
  undeliveredBytes: ({ files }: Vitals) => files.reduce((sum, file) => sum + undeliveredBytes(file), 0),
  bufferedBytes: ({ bufferedBytes }: Vitals) => bufferedBytes,
  spoolBytes: ({ pushed }: Vitals) => (pushed ? waitingBytes(pushed.spool, pushed.reader) : 0),
  connections: ({ pushed }: Vitals) =>
    Array.from(pushed?.lines.values() ?? []).reduce(
      (sum, { open }) => sum + open,
      pushed?.forward?.open ?? 0,
    ),
};

/** What is drawn as its growth in a second. */
const COUNTERS = {
  readBytes: ({ read }: Vitals) => read.bytes,
  sentLines: ({ sent }: Vitals) => total(sent.values(), ({ lines }) => lines),
  sentBytes: ({ sent }: Vitals) => total(sent.values(), ({ bytes }) => bytes),
  throttles: ({ producer }: Vitals) => producer.throttled,
  retries: ({ producer }: Vitals) => producer.retries,
  requests: ({ latency }: Vitals) => latency.count,
  requestSeconds: ({ latency }: Vitals) => latency.sumSeconds,
};

export type SeriesName = keyof typeof LEVELS | keyof typeof COUNTERS;

/** A part of the history, oldest first. */
export interface HistoryPart {
  readonly times: readonly number[];
  readonly series: Readonly<Record<SeriesName, readonly number[]>>;
  /** Bytes a second that each shard took. */
  readonly shards: Readonly<Record<string, readonly number[]>>;
}

/** The last minutes of an agent, in memory that does not grow: a ring of samples. */
export class History {
  readonly #times = new Float64Array(MAX_SAMPLES);
  readonly #series = new Map<string, Float64Array>();
  readonly #shards = new Map<string, Float64Array>();
  /** Counters as of this sample, and as of the one before it. */
  #totals = new Map<string, number>();
  #before = this.#totals;
  #count = 0;

  /** Call every `SAMPLE_EVERY_MS`. */
  add(vitals: Vitals, nowMs: number): void {
    const elapsedMs = this.#count === 0 ? 0 : nowMs - this.#times[(this.#count - 1) % MAX_SAMPLES]!;
    const at = this.#count % MAX_SAMPLES;
    [this.#before, this.#totals] = [this.#totals, new Map()];
    for (const [name, level] of Object.entries(LEVELS)) this.#of(this.#series, name)[at] = level(vitals);
    for (const [name, count] of Object.entries(COUNTERS)) {
      this.#of(this.#series, name)[at] = this.#rate(name, count(vitals), elapsedMs);
    }
    for (const series of this.#shards.values()) series[at] = 0;
    for (const [shard, { bytes }] of vitals.shards) {
      const rate = this.#rate(`shard ${shard}`, bytes, elapsedMs);
      if (this.#shards.has(shard) || this.#makeRoom(vitals.shards)) this.#of(this.#shards, shard)[at] = rate;
    }
    this.#times[at] = nowMs;
    this.#count++;
  }

  /** Where there are too many shards, one that is gone gives its place to another. */
  #makeRoom(open: Vitals["shards"]): boolean {
    if (this.#shards.size < MAX_SHARDS) return true;
    const gone = this.#shards.keys().find((shard) => !open.has(shard));
    if (gone === undefined) return false;
    return this.#shards.delete(gone);
  }

  #of(series: Map<string, Float64Array>, name: string): Float64Array {
    let values = series.get(name);
    if (values === undefined) series.set(name, (values = new Float64Array(MAX_SAMPLES)));
    return values;
  }

  /** A counter that is smaller than before has begun anew. */
  #rate(name: string, count: number, elapsedMs: number): number {
    const before = this.#before.get(name) ?? 0;
    this.#totals.set(name, count);
    return elapsedMs <= 0 ? 0 : ((count < before ? count : count - before) * 1_000) / elapsedMs;
  }

  /** What was sampled after a moment. */
  since(afterMs: number): HistoryPart {
    const places: number[] = [];
    for (let n = Math.max(0, this.#count - MAX_SAMPLES); n < this.#count; n++) {
      if (this.#times[n % MAX_SAMPLES]! > afterMs) places.push(n % MAX_SAMPLES);
    }
    const pick = (values: Float64Array) => places.map((at) => Math.round(values[at]! * 1_000) / 1_000);
    const pickEach = (series: Map<string, Float64Array>) =>
      Object.fromEntries(Array.from(series, ([name, values]) => [name, pick(values)]));
    return {
      times: pick(this.#times),
      series: pickEach(this.#series) as Record<SeriesName, number[]>,
      shards: pickEach(this.#shards),
    };
  }
}

function total<T>(items: Iterable<T>, of: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += of(item);
  return sum;
}
