import type { ErasedPlace, ErasurePlan } from "../../wire/erasure.ts";

/** A row or a rejected line, as far as an erasure looks at it. */
interface Line {
  readonly _src: string;
  readonly _off: number;
  readonly _crc?: number | null;
  readonly _time?: string;
  readonly _arrived_at: string;
  /** Of a rejected line. */
  readonly encoding?: "utf8" | "base64";
  readonly data?: string;
}

/** Contents of erased places by source and offset; null: of one where the content is not known. */
export type ErasedPlaces = Map<string, Set<number | null>>;

export const placeName = (src: string, off: number): string => `${src}\n${off}`;

/** Says which lines an erasure is for. */
export class Matcher {
  readonly #where: readonly (readonly [column: string, values: ReadonlySet<string>])[];
  /** As the text stands in JSON, and as it is. */
  readonly #text: { readonly json: Buffer; readonly raw: Buffer } | undefined;
  readonly #since: string | undefined;
  readonly #until: string | undefined;
  readonly #arrivedBefore: string;
  readonly #again: ErasedPlaces | undefined;

  /** @param again places of an earlier erasure, which are erased where they came again */
  constructor(
    { condition, arrivedBefore }: Pick<ErasurePlan, "condition" | "arrivedBefore">,
    again?: ErasedPlaces,
  ) {
    const { where, contains, since, until } = condition;
    this.#where = where.map(({ column, values }) => [column, new Set(values)]);
    this.#text =
      contains === undefined
        ? undefined
        : { json: Buffer.from(JSON.stringify(contains).slice(1, -1)), raw: Buffer.from(contains) };
    this.#since = since && columnTime(since);
    this.#until = until && columnTime(until);
    this.#arrivedBefore = columnTime(arrivedBefore);
    this.#again = again;
  }

  /** @returns the row's place if it is to be erased @throws SyntaxError for what is no JSON */
  row(bytes: Buffer): ErasedPlace | undefined {
    const line = JSON.parse(bytes.toString()) as Line;
    const { _src, _off, _crc, _time = line._arrived_at, _arrived_at } = line;
    const isMeant = this.#isInTime(_time, _arrived_at) && (this.#hasValues(line) || this.#hasText(bytes));
    return isMeant || this.#cameAgain(line) ? place(_src, _off, _crc) : undefined;
  }

  /** A rejected line has no columns: it is found by its text, and filed by arrival. */
  rejected(bytes: Buffer): ErasedPlace | undefined {
    const line = JSON.parse(bytes.toString()) as Line;
    const { _src, _off, _crc, _arrived_at, encoding, data = "" } = line;
    const text = this.#text;
    const hasText =
      text !== undefined &&
      (this.#hasText(bytes) || (encoding === "base64" && Buffer.from(data, "base64").includes(text.raw)));
    const isMeant = hasText && this.#isInTime(_arrived_at, _arrived_at);
    return isMeant || this.#cameAgain(line) ? place(_src, _off, _crc) : undefined;
  }

  #isInTime(time: string, arrivedAt: string): boolean {
    if (arrivedAt >= this.#arrivedBefore) return false;
    return (
      (this.#since === undefined || time >= this.#since) && (this.#until === undefined || time < this.#until)
    );
  }

  #hasValues(line: object): boolean {
    if (this.#where.length === 0) return false;
    return this.#where.every(([column, values]) => {
      const value = (line as Record<string, string | number | boolean | null | undefined>)[column];
      return value !== null && value !== undefined && values.has(String(value));
    });
  }

  #hasText(bytes: Buffer): boolean {
    return this.#text !== undefined && (bytes.includes(this.#text.json) || bytes.includes(this.#text.raw));
  }

  #cameAgain({ _src, _off, _crc }: Line): boolean {
    const crcs = this.#again?.get(placeName(_src, _off));
    if (crcs === undefined) return false;
    return _crc === undefined || _crc === null || crcs.has(_crc) || crcs.has(null);
  }
}

function place(src: string, off: number, crc: number | null | undefined): ErasedPlace {
  return { src, off, ...(typeof crc === "number" && { crc }) };
}

/** As rows have times: YYYY-MM-DD HH:MM:SS.mmm, perhaps with microseconds, which sort after. */
const columnTime = (iso: string): string => new Date(iso).toISOString().slice(0, 23).replace("T", " ");
