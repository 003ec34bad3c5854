import { gapsBefore } from "../../../wire/provenance.ts";
import { RangeSet } from "../../../wire/ranges.ts";
import { eventsOf } from "../../agent/event.ts";
import type { TakenRecord } from "./stream.ts";

/** What agents know to have arrived, by source. */
export class Acknowledged {
  readonly #ranges = new Map<string, RangeSet>();

  add({ data }: TakenRecord): void {
    for (const { position } of eventsOf(data)) {
      const { source, offset, extent, gap } = position;
      const ranges = this.#ranges.get(source.id) ?? new RangeSet();
      this.#ranges.set(source.id, ranges);
      ranges.add(offset, offset + extent);
      for (const left of gapsBefore(offset, gap)) ranges.add(left.from, left.to);
    }
  }

  /** Whether all before an offset has arrived, or was left out on purpose. */
  covers(source: string, to: number): boolean {
    return to === 0 || this.#ranges.get(source)?.covers(0, to) === true;
  }

  text(source: string): string {
    return JSON.stringify([...(this.#ranges.get(source) ?? [])]);
  }
}
