import type { GapReason } from "../../wire/provenance.ts";
import { Encoding, GROWTH_MAX } from "./encoding.ts";
import { LINE_FEED, type LineFeed } from "./line-feed.ts";
import type { Framing, Line } from "./line-framer.ts";
import type { FilterConfig } from "./filter-config.ts";
import { ConvertedText, type LineText, WindowText } from "./line-text.ts";
import { Masking } from "./masking.ts";
import { beginsEvent } from "./multi-line.ts";
import type { Pattern } from "../../wire/pattern/pattern.ts";
import { bytePatterns } from "./pattern.ts";
import { Sampling } from "./sampling.ts";

type LeftOut = GapReason & ("filtered" | "sampled");

/** Takes a line, and the bytes that its start and end count in. */
export type Emit = (line: Line, bytes: Buffer) => void;

/** What became of lines that something was done with, since the entry came into use. */
export interface FilterCounts {
  filtered: number;
  sampled: number;
  masked: number;
  /** Sent with U+FFFD in the place of bytes that are no character. */
  undecodable: number;
}

/** What one `[[files]]` entry does with lines: convert them, join them, leave them out, mask them. */
export class LineFilter {
  readonly framing: Framing;
  readonly counts: FilterCounts = { filtered: 0, sampled: 0, masked: 0, undecodable: 0 };
  readonly #text: LineText;
  readonly #converted: ConvertedText | undefined;
  readonly #include: readonly (readonly Pattern[])[];
  readonly #exclude: readonly (readonly Pattern[])[];
  readonly #sampling: Sampling | undefined;
  readonly #masking: Masking | undefined;

  constructor(config: FilterConfig, maxLineBytes: number) {
    const { multi_line, include_lines, exclude_lines, sample, mask } = config;
    const encoding = config.encoding === undefined ? undefined : new Encoding(config.encoding);
    this.#converted = encoding && new ConvertedText(encoding);
    this.#text = this.#converted ?? new WindowText();
    this.#include = include_lines.map((condition) => bytePatterns(condition));
    this.#exclude = exclude_lines.map((condition) => bytePatterns(condition));
    this.#sampling = sample && new Sampling(sample);
    this.#masking =
      mask.length > 0 ? new Masking(mask, maxLineBytes * (encoding ? GROWTH_MAX : 1)) : undefined;
    const leavesOut = include_lines.length + exclude_lines.length > 0 || sample !== undefined;
    this.framing = {
      maxLineBytes,
      encoding,
      begins: multi_line && beginsEvent(multi_line, this.#text),
      leaveOut: leavesOut
        ? (window, start, end) => this.#counted(this.#reason(window, start, end))
        : undefined,
    };
  }

  /** With which lines end. */
  get lineFeed(): LineFeed {
    return this.framing.encoding?.lineFeed ?? LINE_FEED;
  }

  /** Nothing is done with lines. */
  get isPlain(): boolean {
    const { begins, leaveOut, encoding } = this.framing;
    return !begins && !leaveOut && !encoding && !this.#masking;
  }

  /** Call before a window is framed: its bytes are others, even where the buffer is the same. */
  takeWindow(): void {
    this.#text.clear();
  }

  /** @returns what takes the lines of this window; they are converted and masked on their way to `emit` */
  edited(window: Buffer, emit: Emit): (line: Line) => void {
    if (!this.#masking && !this.#converted) return (line) => emit(line, window);
    return (line) => {
      const { start, end } = line;
      if (this.#converted?.isDamaged(window, start, end)) this.counts.undecodable++;
      const masked = this.#masking?.replace(this.#text.slice(window, start, end));
      if (masked) this.counts.masked++;
      const bytes = masked ?? this.#converted?.utf8(window, start, end);
      if (bytes) emit({ ...line, start: 0, end: bytes.length }, bytes);
      else emit(line, window);
    };
  }

  #counted(reason: LeftOut | undefined): LeftOut | undefined {
    if (reason !== undefined) this.counts[reason]++;
    return reason;
  }

  #reason(window: Buffer, start: number, end: number): LeftOut | undefined {
    const line = this.#text.slice(window, start, end);
    // A line that is too long for a pattern to be asked of is kept.
    const isAsked = ({ maxChars }: Pattern): boolean => line.length <= maxChars;
    const isFound = (pattern: Pattern): boolean => isAsked(pattern) && pattern.test(line);
    const isWanted = (pattern: Pattern): boolean => !isAsked(pattern) || pattern.test(line);
    if (this.#exclude.some((patterns) => patterns.every(isFound))) return "filtered";
    if (this.#include.length > 0 && !this.#include.some((patterns) => patterns.every(isWanted)))
      return "filtered";
    return this.#sampling === undefined || this.#sampling.keeps(line) ? undefined : "sampled";
  }
}
