import type { WeirConfig } from "../../../wire/config.ts";
import {
  type Erasure,
  erasureKey,
  objectsKey,
  parseErasure,
  parseErasureKey,
  parseErasurePlan,
  parseOpenErasureKey,
  parseRewrittenObject,
  type RewrittenObject,
} from "../../../wire/erasure.ts";
import { PREFIX } from "../../../wire/keys.ts";
import { objectLines, UnreadableObject } from "../../commit-log/object-lines.ts";
import { standingObjects } from "../../commit-log/standing-objects.ts";
import type { ReparseLake } from "./reparse-lake.ts";

/** What erasures have left of objects whose lines are filed anew: what was erased is not to come back. */
export class ErasedLines {
  readonly #lake: ReparseLake;
  readonly #types: WeirConfig["types"];
  /** They never change. */
  readonly #records = new Map<string, Erasure>();

  constructor(lake: ReparseLake, types: WeirConfig["types"]) {
    this.#lake = lake;
    this.#types = types;
  }

  /**
   * Of an object of a type, the one to read: its own key, or that of another one in its place; undefined where no line is
   * left.
   *
   * @throws UnreadableObject where an erasure is under way that may be about to replace it
   */
  async standing(key: string, type: string): Promise<string | undefined> {
    const keys = await this.#lake.list(PREFIX.erasures);
    for (const open of keys) await this.#assertNotErased(key, type, open);
    const ids = keys
      .flatMap((key) => parseErasureKey(key) ?? [])
      .filter((one) => this.#covers(one.type, type));
    const sorted = ids.map(({ id }) => id).toSorted();
    const reader = {
      record: (id: string) => this.#record(id),
      objects: (id: string, day: string) => this.#objects(id, day),
    };
    const stands = (await standingObjects(sorted, [key], reader)).get(key);
    return stands ? stands.key : key;
  }

  /** @param open key of what may be an erasure that is not done @throws UnreadableObject */
  async #assertNotErased(key: string, type: string, open: string): Promise<void> {
    const erased = parseOpenErasureKey(open);
    if (erased === undefined) return;
    if (erased !== type) {
      const { formerNames = [] } = parseErasurePlan((await this.#lake.get(open)).toString(), open);
      if (!formerNames.includes(type)) return;
    }
    throw new UnreadableObject(key, `an erasure of ${erased} is not done: weir erase --list names it`);
  }

  /** Whether an erasure of one type may be for objects of another: what it was called before, as far as that is known. */
  #covers(erased: string, type: string): boolean {
    const configured = this.#types.find(({ name }) => name === erased);
    return erased === type || configured === undefined || configured.formerNames.includes(type);
  }

  async #record(id: string): Promise<Erasure> {
    const key = erasureKey(id);
    const known = this.#records.get(id) ?? parseErasure((await this.#lake.get(key)).toString(), key);
    this.#records.set(id, known);
    return known;
  }

  async *#objects(id: string, day: string): AsyncGenerator<RewrittenObject> {
    const key = objectsKey(id, day);
    for await (const line of objectLines(key, await this.#lake.get(key)))
      yield parseRewrittenObject(line.toString(), key);
  }
}
