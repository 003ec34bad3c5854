import { Arrivals } from "../push/spool/arrivals.ts";
import type { WatchedSource } from "./watched-source.ts";

/** Over which a file's rate is averaged. */
const RATE_WINDOW_MS = 10_000;
/** Remembered of each file: a lag is told to a thirtieth of it. */
const ARRIVAL_STRETCHES = 64;

/**
 * Bytes that can be delivered and are not yet. A last line without line feed is none of them, nor is
 * what was left out on purpose after the last line.
 */
export function undeliveredBytes(file: WatchedSource): number {
  const { read, size, gap, delivery, phase, isAtEnd } = file;
  const end = isAtEnd || phase === "lost" ? (gap?.from ?? read) : size;
  return Math.max(0, end - delivery.resume.offset);
}

/** The same without what waits for the file's own limit: that is no sign of a stall. */
function dueBytes(file: WatchedSource): number {
  if (file.limitedTo === undefined) return undeliveredBytes(file);
  return Math.max(0, (file.gap?.from ?? file.read) - file.delivery.resume.offset);
}

interface FilePace {
  delivered: number;
  lookedAtMs: number;
  size: number;
  readonly arrivals: Arrivals;
  bytesPerSecond: number;
  isRotated: boolean;
}

/**
 * How fast delivery moves, and for how long files lag, told by looks at them once a second or so. It has the
 * clock of the files it looks at, which is not the one that may be set.
 */
export class Pace {
  readonly #now: () => number;
  readonly #files = new WeakMap<WatchedSource, FilePace>();
  /** How often a file left a path, for the paths of files that are there. */
  #rotations = new Map<string, number>();
  #hasLooked = false;
  /** State of the files at the last look, where there was nothing to deliver. */
  #stamp: number | undefined;
  /** Time until which nothing has happened since the last look. */
  #restedUntilMs = 0;
  /** When something was last delivered, or nothing was left to be. */
  #movedAtMs: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#movedAtMs = now();
  }

  /** @param stamp that is the same while every file stays as it is; they are asked only when it is not */
  look(files: Iterable<WatchedSource>, stamp?: number): void {
    const nowMs = this.#now();
    if (stamp !== undefined && stamp === this.#stamp) {
      this.#restedUntilMs = nowMs;
      this.#movedAtMs = nowMs;
      return;
    }
    let hasMoved = false;
    let undelivered = 0;
    const before = this.#rotations;
    this.#rotations = new Map();
    for (const file of files) {
      const { path } = file.source;
      if (!this.#rotations.has(path)) this.#rotations.set(path, before.get(path) ?? 0);
      hasMoved = this.#lookAt(file, nowMs) || hasMoved;
      undelivered += dueBytes(file);
    }
    this.#hasLooked = true;
    this.#stamp = undelivered === 0 ? stamp : undefined;
    if (hasMoved || undelivered === 0) this.#movedAtMs = nowMs;
  }

  /** @returns whether more of it is delivered than at the last look */
  #lookAt(file: WatchedSource, nowMs: number): boolean {
    const delivered = file.delivery.resume.offset;
    const pace = this.#files.get(file);
    const isRotated = file.phase !== "active";
    // What had rotated before we began to look is no news.
    if (isRotated && !(pace?.isRotated ?? !this.#hasLooked)) {
      this.#rotations.set(file.source.path, this.rotations(file.source.path) + 1);
    }
    if (pace === undefined) {
      const { size } = file;
      const arrivals = new Arrivals(ARRIVAL_STRETCHES);
      arrivals.add(size, file.changedAtMs);
      this.#files.set(file, { delivered, lookedAtMs: nowMs, size, arrivals, bytesPerSecond: 0, isRotated });
      return false;
    }
    this.#rest(pace);
    const elapsedMs = Math.max(1, nowMs - pace.lookedAtMs);
    const latest = ((delivered - pace.delivered) * 1_000) / elapsedMs;
    pace.bytesPerSecond += (latest - pace.bytesPerSecond) * (1 - Math.exp(-elapsedMs / RATE_WINDOW_MS));
    const hasMoved = delivered > pace.delivered;
    pace.delivered = delivered;
    pace.lookedAtMs = nowMs;
    pace.isRotated = isRotated;
    pace.arrivals.delivered(delivered);
    if (file.size > pace.size) pace.arrivals.add(file.size, nowMs);
    pace.size = file.size;
    return hasMoved;
  }

  /** Makes up for looks at which there was nothing to see. */
  #rest(pace: FilePace): void {
    const restedMs = this.#restedUntilMs - pace.lookedAtMs;
    if (restedMs <= 0) return;
    pace.bytesPerSecond *= Math.exp(-restedMs / RATE_WINDOW_MS);
    pace.lookedAtMs = this.#restedUntilMs;
  }

  /** For how long lines have waited while none of any file was acknowledged. */
  stalledMs(): number {
    return Math.max(0, this.#now() - this.#movedAtMs);
  }

  /** Age of the oldest byte that is not delivered, to a second. */
  lagMs(file: WatchedSource): number {
    if (undeliveredBytes(file) === 0) return 0;
    const arrivals = this.#files.get(file)?.arrivals;
    const arrivedAtMs = arrivals ? arrivals.oldestMs(file.delivery.resume.offset) : file.changedAtMs;
    return arrivedAtMs === undefined ? 0 : Math.max(0, this.#now() - arrivedAtMs);
  }

  /** Of the file that lags the most. */
  mostLagMs(files: readonly WatchedSource[]): number {
    return files.reduce((most, file) => Math.max(most, this.lagMs(file)), 0);
  }

  /** How often a file left this path since the first look. */
  rotations(path: string): number {
    return this.#rotations.get(path) ?? 0;
  }

  bytesPerSecond(file: WatchedSource): number {
    const pace = this.#files.get(file);
    if (pace === undefined) return 0;
    this.#rest(pace);
    return pace.bytesPerSecond;
  }
}
