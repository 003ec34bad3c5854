import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RejectReason } from "../../wire/reject.ts";
import type { FileTruth, TypeTruth } from "../reconcile/truth.ts";
import { accessLines } from "./access-line.ts";
import type { LineMaker } from "./line-maker.ts";
import { photoLines } from "./photo-line.ts";
import { Random } from "./random.ts";
import { RotatingFile } from "./rotating-file.ts";
import { userLines } from "./user-line.ts";

/** The log types of the sample configuration, each written to `<type>.log`. */
export const SAMPLE_TYPES: readonly LineMaker[] = [accessLines, photoLines, userLines];

export interface TrafficOptions {
  /** Made when absent; holds `<type>.log` and its older generations. */
  readonly dir: string;
  /** The same seed and `startAt` write the same bytes. */
  readonly seed: number;
  /** All sample types when absent. */
  readonly types?: readonly LineMaker[];
  /** Lines of each type; without it, until the signal. */
  readonly linesPerType?: number;
  /** Of each type; as fast as the disk takes them when absent. */
  readonly linesPerSecond?: number;
  /** Event time of the first line; by default such that the last one is written now. */
  readonly startAt?: Date;
  /** Share of lines that must be rejected. */
  readonly rejectShare?: number;
  /** Lines after which a file rotates; a quarter of `linesPerType`, or 20,000. */
  readonly rotateEveryLines?: number;
  /**
   * Only without `linesPerType`, where the disk has to stay bounded: whether an old generation was
   * delivered and may be deleted. Everything may go when absent, 6 rotations after it was written.
   */
  readonly releasable?: (type: string, file: FileTruth) => boolean;
  readonly onProgress?: (written: Readonly<Record<string, { lines: number; bytes: number }>>) => void;
  readonly signal?: AbortSignal;
}

/** By log type: what was written, which lines must be rejected, and every file there was, deleted ones too. */
export type WrittenTraffic = Readonly<
  Record<string, Required<TypeTruth> & { readonly lines: number; readonly bytes: number }>
>;

const REJECT_SHARE = 0.01;
const ROTATIONS_PER_RUN = 4;
const ENDLESS_ROTATE_LINES = 20_000;
const ENDLESS_KEEP_GENERATIONS = 6;

/** A chunk is what a web server's log buffer holds, roughly; paced traffic arrives every tick. */
const CHUNK_LINES = 256;
const TICK_MS = 50;

/** Event time between two lines of a type when nothing paces them. */
const UNPACED_INTERVAL_MS = 4;

/**
 * Writes sample traffic into rotating files. Ends after `linesPerType` lines or, without an error, at
 * the signal; nothing is left half a line.
 */
export async function generateTraffic(options: TrafficOptions): Promise<WrittenTraffic> {
  const {
    linesPerType = Infinity,
    linesPerSecond = Infinity,
    types = SAMPLE_TYPES,
    onProgress,
    signal = AbortSignal.any([]),
  } = options;
  await mkdir(options.dir, { recursive: true });
  const streams: TypeStream[] = [];
  try {
    for (const [i, maker] of types.entries()) streams.push(await TypeStream.open(maker, i, options));
    const startedAt = performance.now();
    for (let written = 0; written < linesPerType && !signal.aborted;) {
      const due = Math.floor(((performance.now() - startedAt + TICK_MS) / 1_000) * linesPerSecond);
      const count = Math.min(CHUNK_LINES, linesPerType - written, due - written);
      if (count > 0) {
        for (const stream of streams) await stream.write(count);
        written += count;
        onProgress?.(Object.fromEntries(streams.map(({ type, truth }) => [type, truth])));
      } else await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.close()));
  }
  return Object.fromEntries(streams.map(({ type, truth }) => [type, truth]));
}

/** The lines of one type, on their way into its file. */
class TypeStream {
  readonly type: string;
  readonly #maker: LineMaker;
  readonly #file: RotatingFile;
  readonly #random: Random;
  readonly #rejectShare: number;
  readonly #rotateEveryLines: number;
  readonly #startMs: number;
  readonly #intervalMs: number;
  readonly #mustReject: Partial<Record<RejectReason, number>> = {};
  #lines = 0;
  #bytes = 0;

  private constructor(maker: LineMaker, file: RotatingFile, stream: number, options: TrafficOptions) {
    const { linesPerType, linesPerSecond } = options;
    this.type = maker.type;
    this.#maker = maker;
    this.#file = file;
    this.#random = new Random(options.seed * SAMPLE_TYPES.length + stream);
    this.#rejectShare = options.rejectShare ?? REJECT_SHARE;
    this.#rotateEveryLines =
      options.rotateEveryLines ??
      (linesPerType === undefined ? ENDLESS_ROTATE_LINES : Math.ceil(linesPerType / ROTATIONS_PER_RUN));
    this.#intervalMs = linesPerSecond === undefined ? UNPACED_INTERVAL_MS : 1_000 / linesPerSecond;
    const unpacedMs = linesPerSecond === undefined ? (linesPerType ?? 0) * this.#intervalMs : 0;
    this.#startMs = options.startAt?.getTime() ?? Date.now() - unpacedMs;
  }

  static async open(maker: LineMaker, stream: number, options: TrafficOptions): Promise<TypeStream> {
    const { linesPerType, releasable = () => true, signal = AbortSignal.any([]) } = options;
    const file = await RotatingFile.create({
      path: join(options.dir, `${maker.type}.log`),
      keepGenerations: linesPerType === undefined ? ENDLESS_KEEP_GENERATIONS : undefined,
      releasable: (generation) => releasable(maker.type, generation),
      signal,
    });
    return new TypeStream(maker, file, stream, options);
  }

  async write(count: number): Promise<void> {
    while (count > 0) {
      if (this.#file.lines >= this.#rotateEveryLines) await this.#file.rotate();
      const batch = Math.min(count, this.#rotateEveryLines - this.#file.lines);
      let text = "";
      for (let i = 0; i < batch; i++) text += `${this.#nextLine()}\n`;
      const bytes = Buffer.from(text);
      await this.#append(bytes, batch);
      this.#bytes += bytes.length;
      count -= batch;
    }
  }

  get truth(): WrittenTraffic[string] {
    return {
      lines: this.#lines,
      bytes: this.#bytes,
      mustReject: { ...this.#mustReject },
      files: this.#file.truth(),
    };
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** In two writes now and then, so that a reader meets half a line, or half a character. */
  async #append(bytes: Buffer, lines: number): Promise<void> {
    const cut = this.#random.chance(0.2) ? this.#random.below(bytes.length) : 0;
    if (cut > 0) await this.#file.append(bytes.subarray(0, cut), 0);
    await this.#file.append(bytes.subarray(cut), lines);
  }

  #nextLine(): string {
    const at = new Date(Math.round(this.#startMs + this.#lines * this.#intervalMs));
    this.#lines++;
    if (!this.#random.chance(this.#rejectShare)) return this.#maker.line(this.#random, at);
    const bad = this.#random.pick(this.#maker.bad);
    this.#mustReject[bad.reason] = (this.#mustReject[bad.reason] ?? 0) + 1;
    return bad.line(this.#random, at);
  }
}
