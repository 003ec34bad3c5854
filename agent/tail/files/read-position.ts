import type { Gap } from "../../../wire/provenance.ts";
import { Delivery } from "../../kinesis/delivery.ts";
import type { TakeRun } from "../../framing/block.ts";
import { LineFramer, type Resume } from "../../framing/line-framer.ts";
import type { Reading } from "./reading.ts";

/** How far a file is read, and how far it is delivered. */
export class ReadPosition {
  readonly delivery: Delivery;
  readonly #filter: Reading["filter"];
  readonly #framer: LineFramer;
  readonly #breaks: number[];
  #seenTo: number;

  /** @param breaks offsets at which a line ends though its bytes do not say so */
  constructor(filter: Reading["filter"], from: Resume, breaks: readonly number[]) {
    this.delivery = new Delivery(from);
    this.#filter = filter;
    this.#framer = new LineFramer(filter.framing, from);
    this.#breaks = [...breaks];
    this.#seenTo = from.offset;
  }

  /**
   * Where the next agent goes on: after what is delivered, and after what was left out since. A gap
   * begins where the last line that was sent ends; once that is delivered, so is all before the gap.
   */
  get resume(): Resume {
    const delivered = this.delivery.resume;
    const reached = this.#framer.resume;
    const isAllDelivered = beginOf(reached.gap) === (beginOf(delivered.gap) ?? delivered.offset);
    return isAllDelivered ? reached : delivered;
  }

  /** Breaks that the next agent has to know of. */
  get breaks(): number[] {
    const { offset } = this.resume;
    return this.#breaks.filter((at) => at > offset);
  }

  /** End of the bytes that are framed into lines, or left out. */
  get read(): number {
    return this.#framer.offset;
  }

  /** End of the bytes that were looked at: a line that has only begun is read again. */
  get seenTo(): number {
    return this.#seenTo;
  }

  get gap(): Gap | undefined {
    return this.#framer.gap;
  }

  get hasPartialLine(): boolean {
    return this.#framer.offset < this.#seenTo;
  }

  /** A line is to end at an offset that is not framed yet. */
  get nextBreak(): number | undefined {
    return this.#breaks.find((offset) => offset > this.#framer.offset);
  }

  /** Lets a line end at an offset, though its bytes do not say so. */
  breakAt(offset: number): void {
    this.#breaks.push(offset);
  }

  /** Passes over bytes that cannot be read any more. */
  leaveOutTo(offset: number): void {
    this.#framer.leaveOutTo(offset);
    this.#seenTo = Math.max(this.#seenTo, offset);
  }

  /** Cuts the bytes that begin where reading ended into lines. */
  frame(window: Buffer, isEnd: boolean, take: TakeRun): void {
    this.#seenTo = Math.max(this.#seenTo, this.read + window.length);
    if (this.#filter.isPlain) {
      this.#framer.frameRuns(window, isEnd, (run) => take(run, window, false));
    } else {
      this.#filter.takeWindow();
      const edited = this.#filter.edited(window, (line, bytes) => take(line, bytes, true));
      this.#framer.frame(window, isEnd, edited);
    }
  }
}

/** Of a gap and of what an earlier identity has delivered before it. */
function beginOf(gap: Gap | undefined): number | undefined {
  return gap?.before?.from ?? gap?.from;
}
