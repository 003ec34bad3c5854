import { AggregateBuilder } from "../../../wire/aggregate.ts";
import { middleHashKey } from "../../../wire/hash-key.ts";
import type { Random } from "../../sequencer/random.ts";
import type { Chance } from "./chance.ts";
import { type LineKind, lineText, type Tag, TAGS } from "./lines.ts";
import type { Stream, TakenRecord } from "./stream.ts";

/** An event of another producer, as the stream has taken it. */
export interface ForeignEvent {
  readonly n: number;
  readonly tag: Tag;
  readonly kind: LineKind;
  readonly text: string;
  readonly taken: TakenRecord;
  /** Within its record. */
  readonly index: number;
}

/** Whoever puts records besides the agents: with KPL, or one event a record. */
export class Producer {
  readonly events: ForeignEvent[] = [];
  /** Records that nobody can open. */
  readonly corrupt: TakenRecord[] = [];
  readonly #stream: Stream;
  readonly #chance: Chance;
  readonly #nextLine: () => number;

  constructor(stream: Stream, chance: Chance, nextLine: () => number) {
    this.#stream = stream;
    this.#chance = chance;
    this.#nextLine = nextLine;
  }

  put(random: Random): void {
    const tag = random.pick(TAGS);
    const count = random.chance(0.5) ? 1 : random.int(2, 5);
    const lines = Array.from({ length: count }, () => {
      const n = this.#nextLine();
      return { n, tag, ...lineText(tag, n, random) };
    });
    const data = count === 1 ? Buffer.from(lines[0]!.text) : aggregateOf(tag, lines);
    // Whoever hears nothing sends again: to the stream that is another record.
    const copies = this.#chance.hits("foreign-answer-lost") ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const taken = this.#stream.take({ partitionKey: tag, explicitHashKey: this.#anyKey(random), data });
      lines.forEach((line, index) => this.events.push({ ...line, taken, index }));
    }
  }

  /** An aggregate whose digest is wrong. */
  putCorrupt(random: Random): void {
    const tag = random.pick(TAGS);
    const n = this.#nextLine();
    const data = aggregateOf(tag, [lineText(tag, n, random), lineText(tag, n, random)]);
    data[data.length - 1]! ^= 0xff;
    this.corrupt.push(this.#stream.take({ partitionKey: tag, explicitHashKey: this.#anyKey(random), data }));
  }

  #anyKey(random: Random): string {
    const { first, last } = random.pick(this.#stream.open);
    return middleHashKey({ startingHashKey: `${first}`, endingHashKey: `${last}` });
  }
}

function aggregateOf(tag: Tag, lines: readonly { readonly text: string }[]): Buffer {
  const builder = new AggregateBuilder(64);
  for (const { text } of lines) builder.add(tag, Buffer.from(text), []);
  return builder.finish("1");
}
