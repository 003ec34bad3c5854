import type { GapReason } from "../../wire/provenance.ts";
import type { Framing, Line } from "../tail/line-framer.ts";
import type { FilterConfig } from "./filter-config.ts";
import { Masking } from "./masking.ts";
import { beginsEvent } from "./multi-line.ts";
import { bytePattern, WindowText } from "./pattern.ts";
import { Sampling } from "./sampling.ts";

type LeftOut = GapReason & ("filtered" | "sampled");

/** Takes a line, and the bytes that its start and end count in. */
export type Emit = (line: Line, bytes: Buffer) => void;

/** What became of lines that something was done with, since the entry came into use. */
export interface FilterCounts {
  filtered: number;
  sampled: number;
  masked: number;
}

/** What one `[[files]]` entry does with lines: join them, leave them out, mask them. */
export class LineFilter {
  readonly framing: Framing;
  readonly counts: FilterCounts = { filtered: 0, sampled: 0, masked: 0 };
  readonly #text = new WindowText();
  readonly #include: readonly RegExp[];
  readonly #exclude: readonly RegExp[];
  readonly #sampling: Sampling | undefined;
  readonly #masking: Masking | undefined;

  constructor(config: FilterConfig, maxLineBytes: number) {
    const { multi_line, include_lines, exclude_lines, sample, mask } = config;
    this.#include = include_lines.map((source) => bytePattern(source));
    this.#exclude = exclude_lines.map((source) => bytePattern(source));
    this.#sampling = sample && new Sampling(sample);
    this.#masking = mask.length > 0 ? new Masking(mask, maxLineBytes) : undefined;
    const leavesOut = include_lines.length + exclude_lines.length > 0 || sample !== undefined;
    this.framing = {
      maxLineBytes,
      begins: multi_line && beginsEvent(multi_line, this.#text),
      leaveOut: leavesOut
        ? (window, start, end) => this.#counted(this.#reason(window, start, end))
        : undefined,
    };
  }

  /** Nothing is done with lines. */
  get isPlain(): boolean {
    const { begins, leaveOut } = this.framing;
    return begins === undefined && leaveOut === undefined && this.#masking === undefined;
  }

  /** Call before a window is framed: its bytes are others, even where the buffer is the same. */
  takeWindow(): void {
    this.#text.clear();
  }

  /** @returns what takes the lines of this window; they are masked on their way to `emit` */
  masked(window: Buffer, emit: Emit): (line: Line) => void {
    const masking = this.#masking;
    if (masking === undefined) return (line) => emit(line, window);
    return (line) => {
      const masked = masking.replace(this.#text.slice(window, line.start, line.end));
      if (masked === undefined) return emit(line, window);
      this.counts.masked++;
      emit({ ...line, start: 0, end: masked.length }, masked);
    };
  }

  #counted(reason: LeftOut | undefined): LeftOut | undefined {
    if (reason !== undefined) this.counts[reason]++;
    return reason;
  }

  #reason(window: Buffer, start: number, end: number): LeftOut | undefined {
    const line = this.#text.slice(window, start, end);
    const isFound = (pattern: RegExp): boolean => pattern.test(line);
    if (this.#exclude.some(isFound)) return "filtered";
    if (this.#include.length > 0 && !this.#include.some(isFound)) return "filtered";
    return this.#sampling === undefined || this.#sampling.keeps(line) ? undefined : "sampled";
  }
}
