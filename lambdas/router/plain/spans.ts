/** What a span of a plain line holds. */
export const KIND = {
  /** The field is not in the line. */
  absent: 0,
  /** It is, and says that it has no value. */
  none: 1,
  /** Text; the span is without its quotes. */
  text: 2,
  /** A JSON number of at most fifteen digits, written as JavaScript would write it. */
  number: 3,
  /** true or false */
  boolean: 4,
  /** A JSON array of scalars, without spaces. */
  array: 5,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** More fields without a column than this are for the general path. */
export const EXTRAS_MAX = 8;

/**
 * The fields of a plain line as spans [from, to) of its bytes, by slot. One is filled again and again, so
 * that a line costs no allocation.
 */
export class Spans {
  readonly kind: Uint8Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Fields without a slot: name with its quotes, and value as it stands in JSON. */
  readonly extras = Array.from({ length: EXTRAS_MAX }, () => ({ nameFrom: 0, nameTo: 0, from: 0, to: 0 }));
  extraCount = 0;

  constructor(slots: number) {
    this.kind = new Uint8Array(slots);
    this.from = new Int32Array(slots);
    this.to = new Int32Array(slots);
  }

  clear(): void {
    this.kind.fill(KIND.absent);
    this.extraCount = 0;
  }

  set(slot: number, kind: Kind, from: number, to: number): void {
    this.kind[slot] = kind;
    this.from[slot] = from;
    this.to[slot] = to;
  }
}

/**
 * Finds the fields of a line. Quick, and strict: whatever is out of the ordinary is not plain, and for the
 * general path to read, to write or to reject.
 *
 * @param end of the line in `bytes`, its carriage return not counted
 * @returns false if the line is not plain; what the spans hold then means nothing
 */
export type Scan = (bytes: Uint8Array, end: number, spans: Spans) => boolean;
