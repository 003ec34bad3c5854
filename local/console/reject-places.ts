import type { RejectedLine } from "../../wire/reject.ts";
import type { RejectView } from "./snapshot.ts";

/** One kind of reject: lines of a type that one rule refused. */
export interface RejectKind {
  readonly type: string;
  readonly reason: string;
  readonly field: string | undefined;
}

/** A rejected line, by its place in an object of the lake. */
export interface RejectPlace {
  readonly key: string;
  readonly index: number;
}

/** Newest lines of a kind whose places are kept: the lines themselves stay in the lake. */
const PLACES_PER_KIND = 5;

/** Kinds of rejects, how many of each there are, and where the newest lines are. */
export class RejectPlaces {
  readonly #kinds = new Map<string, { view: RejectView; readonly places: RejectPlace[] }>();

  add({ type, reason, field, detail }: RejectedLine, place: RejectPlace): void {
    const id = idOf({ type, reason, field });
    const known = this.#kinds.get(id);
    const view = { type, reason, field, count: (known?.view.count ?? 0) + 1, detail };
    const places = known?.places ?? [];
    if (places.push(place) > PLACES_PER_KIND) places.shift();
    this.#kinds.set(id, { view, places });
  }

  /** Most frequent first. */
  get views(): RejectView[] {
    return [...this.#kinds.values()].map(({ view }) => view).sort((a, b) => b.count - a.count);
  }

  /** Newest first; undefined where nothing of the kind was rejected. */
  find(kind: RejectKind): { readonly view: RejectView; readonly places: readonly RejectPlace[] } | undefined {
    const known = this.#kinds.get(idOf(kind));
    return known && { view: known.view, places: known.places.toReversed() };
  }
}

const idOf = ({ type, reason, field }: RejectKind): string => JSON.stringify([type, reason, field]);
