import type { SpoolEvent } from "../spool/batch.ts";
import type { Spool } from "../spool/spool.ts";
import { atLeast, type ByteInput } from "./byte-input.ts";
import { type Entries, passOver } from "./entries.ts";
import type { ForwardCounts } from "./forward-counts.ts";
import { type LineData, lineOfBytes } from "./line.ts";
import { BYTES_BETWEEN_LOOKS, type LoopTurns } from "./loop-turns.ts";
import type { MessageBudget } from "./message-budget.ts";

/**
 * How many times as long as a line an entry is held. Each of its bytes becomes 1/4.5 of a byte of JSON at least, as
 * those of a 64-bit 0 do: what comes after does not get into the line.
 */
const BYTES_PER_LINE_BYTE = 5;
const EVENTS_BETWEEN_LOOKS = 64;
const STORED_TOGETHER_BYTES = 256 * 2 ** 10;

export interface StoreOptions {
  readonly spool: Pick<Spool, "append" | "ready" | "maxLineBytes">;
  readonly turns: LoopTurns;
  readonly counts: ForwardCounts;
  readonly signal: AbortSignal;
}

/** Puts the entries of one message into the spool as they come. */
export class MessageStore {
  readonly tag: string;
  readonly budget: MessageBudget;
  readonly maxLineBytes: number;
  /** Those that were stored as lines although they are no events. */
  malformed = 0;
  readonly #options: StoreOptions;
  #stored: Promise<unknown> = Promise.resolve();
  /** In the window, up to where it is done with. */
  #at = 0;
  #state: "waits" | "paused" | "ended" = "waits";
  /** The next entry's end is being looked for. */
  #isFraming = false;
  #error: unknown;

  constructor(tag: string, budget: MessageBudget, options: StoreOptions) {
    this.tag = tag;
    this.budget = budget;
    this.maxLineBytes = options.spool.maxLineBytes;
    this.#options = options;
  }

  /** Settles once all that it was given so far is on disk. @throws AgentError SPOOL_CLOSED */
  async stored(): Promise<void> {
    await this.#stored;
  }

  /**
   * @param isSent the input is what the peer sends, not what that is unpacked to
   * @returns false where the input ends before the entries do; what is left of it is in its window
   * @throws ForwardError, once what came before is on its way to the disk
   */
  async take(input: ByteInput, entries: Entries, isSent: boolean): Promise<boolean> {
    const { turns, spool, signal } = this.#options;
    for (;;) {
      const outcome = isSent ? "there" : await fill(input);
      await spool.ready(signal);
      this.#append(this.#events(input.window, entries));
      this.malformed = entries.malformed;
      input.consume(this.#at);
      if (this.#error !== undefined) throw this.#error;
      if (this.#state === "ended") return true;
      if (this.#state === "paused") {
        await turns.next();
        continue;
      }
      // Whole entries are stored also where the rest does not come.
      if (typeof outcome === "object") throw outcome.error;
      if (isSent) this.budget.announce(entries.framer.leastBytes);
      if (input.window.length > BYTES_PER_LINE_BYTE * this.maxLineBytes) await this.#takeCut(input, entries);
      else if (outcome === "ended" || !(await input.more())) return false;
    }
  }

  /** What is no entry, nor anything else, as one line: all that is left of an input. */
  async takeBytes(input: ByteInput): Promise<void> {
    while (input.window.length < this.maxLineBytes && (await input.more()));
    if (input.window.length === 0) return;
    const { data, missingBytes = 0 } = copied(lineOfBytes(input.window, this.maxLineBytes));
    const passed = await passAll(input);
    this.malformed++;
    this.#append([this.#event({ data, missingBytes: missingBytes + passed })]);
  }

  /** Those that are there whole, as far as time allows. */
  *#events(window: Buffer, entries: Entries): Generator<SpoolEvent> {
    const { turns } = this.#options;
    this.#at = 0;
    this.#state = "waits";
    try {
      for (let lookedAt = 0, read = 0; ; read++) {
        if (this.#at - lookedAt > BYTES_BETWEEN_LOOKS || read === EVENTS_BETWEEN_LOOKS) {
          [lookedAt, read] = [this.#at, 0];
          this.#state = turns.isOver ? "paused" : "waits";
          if (this.#state === "paused") return;
        }
        const start = (this.#at = entries.seek(window, this.#at));
        if (entries.isEnd(window, start)) {
          this.#state = "ended";
          return;
        }
        if (start >= window.length) return;
        const quick = this.#isFraming ? undefined : entries.quick(window, start);
        const end = quick ? quick.end : entries.framer.end(window, start);
        this.#isFraming = end === undefined;
        if (end === undefined) return;
        const line = quick ?? entries.line(window, start, end);
        this.#at = end;
        yield this.#event(line);
        if (this.#error !== undefined) return;
      }
    } catch (error) {
      this.#error = error;
    }
  }

  /** An entry that is too long for a line. */
  async #takeCut(input: ByteInput, entries: Entries): Promise<void> {
    const { length } = input.window;
    const { data, missingBytes = 0 } = copied(entries.cutLine(input.window));
    const bytes = await passOver(input, entries.framer);
    this.#isFraming = false;
    this.#append([this.#event({ data, missingBytes: missingBytes + bytes - length })]);
  }

  #event({ data, missingBytes }: LineData): SpoolEvent {
    this.#options.counts.events++;
    this.#error = this.budget.refusalOfLine(data.length);
    return { tag: this.tag, data, missingBytes };
  }

  #append(events: Iterable<SpoolEvent>): void {
    const appended = this.#options.spool.append(events);
    const before = this.#stored;
    this.#stored = Promise.all([before, appended]);
    // Told to whoever waits for it in the end.
    this.#stored.catch(() => {});
  }
}

/** Waits for as much as is worth to be stored together, of what comes in any case. */
async function fill(input: ByteInput): Promise<"there" | "ended" | { readonly error: unknown }> {
  try {
    return (await atLeast(input, STORED_TOGETHER_BYTES)).length < STORED_TOGETHER_BYTES ? "ended" : "there";
  } catch (error) {
    return { error };
  }
}

function copied({ data, missingBytes }: LineData): LineData {
  return { data: Buffer.from(data), missingBytes };
}

/** @returns bytes that came after those of the window */
async function passAll(input: ByteInput): Promise<number> {
  let passed = -input.window.length;
  do {
    passed += input.window.length;
    input.consume(input.window.length);
  } while (await input.more());
  return passed;
}
