import type { WatchedSource } from "./watched-source.ts";

/** Over which a file's rate is averaged. */
const RATE_WINDOW_MS = 10_000;

/**
 * Bytes that can be delivered and are not yet. A last line without line feed is none of them, nor is
 * what was left out on purpose after the last line.
 */
export function undeliveredBytes(file: WatchedSource): number {
  const { read, size, gap, delivery, phase, isAtEnd } = file;
  const end = isAtEnd || phase === "lost" ? (gap?.from ?? read) : size;
  return Math.max(0, end - delivery.resume.offset);
}

interface FilePace {
  delivered: number;
  lookedAtMs: number;
  /** When it was last delivered to its end, or first seen. */
  caughtUpAtMs: number;
  bytesPerSecond: number;
  isRotated: boolean;
}

/** How fast delivery moves, and for how long files lag, told by looks at them once a second or so. */
export class Pace {
  readonly #files = new WeakMap<WatchedSource, FilePace>();
  /** How often a file left a path, for the paths of files that are there. */
  #rotations = new Map<string, number>();
  #hasLooked = false;
  /** When something was last delivered, or nothing was left to be. */
  #movedAtMs: number;

  constructor(nowMs: number) {
    this.#movedAtMs = nowMs;
  }

  look(files: Iterable<WatchedSource>, nowMs: number): void {
    let hasMoved = false;
    let undelivered = 0;
    const before = this.#rotations;
    this.#rotations = new Map();
    for (const file of files) {
      const { path } = file.source;
      if (!this.#rotations.has(path)) this.#rotations.set(path, before.get(path) ?? 0);
      hasMoved = this.#lookAt(file, nowMs) || hasMoved;
      undelivered += undeliveredBytes(file);
    }
    this.#hasLooked = true;
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
      this.#files.set(file, {
        delivered,
        lookedAtMs: nowMs,
        caughtUpAtMs: file.changedAtMs,
        bytesPerSecond: 0,
        isRotated,
      });
      return false;
    }
    const elapsedMs = Math.max(1, nowMs - pace.lookedAtMs);
    const latest = ((delivered - pace.delivered) * 1_000) / elapsedMs;
    pace.bytesPerSecond += (latest - pace.bytesPerSecond) * (1 - Math.exp(-elapsedMs / RATE_WINDOW_MS));
    const hasMoved = delivered > pace.delivered;
    pace.delivered = delivered;
    pace.lookedAtMs = nowMs;
    pace.isRotated = isRotated;
    if (undeliveredBytes(file) === 0) pace.caughtUpAtMs = nowMs;
    return hasMoved;
  }

  /** For how long lines have waited while none of any file was acknowledged. */
  stalledMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#movedAtMs);
  }

  /** For how long the file has not been delivered to its end. */
  lagMs(file: WatchedSource, nowMs: number): number {
    if (undeliveredBytes(file) === 0) return 0;
    return Math.max(0, nowMs - (this.#files.get(file)?.caughtUpAtMs ?? file.changedAtMs));
  }

  /** How often a file left this path since the first look. */
  rotations(path: string): number {
    return this.#rotations.get(path) ?? 0;
  }

  bytesPerSecond(file: WatchedSource): number {
    return this.#files.get(file)?.bytesPerSecond ?? 0;
  }
}
