import { ForwardError } from "./forward-error.ts";
import { JsonFramer, pastBlanks } from "./json-framer.ts";

const [COMMA, LIST, LIST_END, MAP_END] = Buffer.from(",[]}") as unknown as number[];

/** Goes through the values of a JSON list that comes in pieces, from behind its bracket. */
export class JsonList {
  readonly framer = new JsonFramer();
  #isCommaDue = false;

  /** @returns where the next value or the end of the list is, or the end of the window @throws ForwardError MALFORMED */
  seek(window: Buffer, from: number): number {
    const at = pastBlanks(window, from);
    if (!this.#isCommaDue || at === window.length || window[at] === LIST_END || window[at] === MAP_END)
      return at;
    if (window[at] !== COMMA) throw new ForwardError("MALFORMED", "JSON values without a comma between them");
    this.#isCommaDue = false;
    return pastBlanks(window, at + 1);
  }

  isEnd(window: Buffer, at: number): boolean {
    return window[at] === LIST_END;
  }

  /** Takes note that a value is done with. */
  passed(): void {
    this.#isCommaDue = true;
  }
}

export function isList(window: Buffer, at: number): boolean {
  return window[at] === LIST;
}

/**
 * The values of a list that is there whole.
 *
 * @param most of them that are looked for
 * @returns undefined where it is no list, or has more
 */
export function valuesOf(window: Buffer, most: number): Buffer[] | undefined {
  if (!isList(window, 0)) return undefined;
  const list = new JsonList();
  const values: Buffer[] = [];
  try {
    for (let at = list.seek(window, 1); !list.isEnd(window, at); at = list.seek(window, at)) {
      const end = list.framer.end(window, at);
      if (end === undefined || values.length === most) return undefined;
      values.push(window.subarray(at, end));
      list.passed();
      at = end;
    }
    return values;
  } catch (error) {
    if (error instanceof ForwardError) return undefined;
    throw error;
  }
}
