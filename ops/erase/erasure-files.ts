import {
  type ErasedPlace,
  erasedPlaceSchema,
  type Erasure,
  erasureDoneKey,
  erasureKey,
  type ErasurePlan,
  erasurePlanKey,
  objectsDay,
  objectsKey,
  objectsPrefix,
  openErasureKey,
  parseErasure,
  parseErasureKey,
  parseErasurePlan,
  parseRewrittenObject,
  placesKey,
  placesManifestKey,
  type RewrittenObject,
} from "../../wire/erasure.ts";
import { PREFIX } from "../../wire/keys.ts";
import { AccessError } from "../access/access-error.ts";
import type { EraseLake } from "./lake.ts";
import { linesOf, packedNdjson } from "./lines.ts";
import { type ErasedPlaces, placeName } from "./matcher.ts";
import { type FoundDay, prefixesOf } from "./scan.ts";

/** The files of erasures in the lake. Grammar: wire/erasure.ts. */
export class ErasureFiles {
  readonly #lake: EraseLake;

  constructor(lake: EraseLake) {
    this.#lake = lake;
  }

  /** Begins an erasure: from here on it can be resumed. @throws AccessError ERASURE_OPEN */
  async begin(plan: ErasurePlan): Promise<void> {
    const text = JSON.stringify(plan);
    if (await this.#lake.putNew(openErasureKey(plan.type), text)) {
      await this.#lake.put(erasurePlanKey(plan.id), text);
      return;
    }
    const open = await this.#open(plan.type);
    const hint = open && `Finish it first: weir erase --resume ${open.id}`;
    throw new AccessError("ERASURE_OPEN", `an erasure of ${plan.type} is not done`, hint);
  }

  /** @throws AccessError NO_ERASURE @throws WireError BAD_ERASURE */
  async plan(id: string): Promise<ErasurePlan> {
    const type = parseErasureKey(erasureKey(id))?.type;
    if (type !== undefined) {
      const body = await this.#lake.get(erasurePlanKey(id));
      if (body) return parseErasurePlan(body.toString(), erasurePlanKey(id));
      const open = await this.#open(type);
      if (open?.id === id) return open;
    }
    throw new AccessError(
      "NO_ERASURE",
      `the lake has no erasure ${id}`,
      "weir erase --list has those it has.",
    );
  }

  /** The plan of an erasure that goes on. @throws AccessError NO_ERASURE @throws WireError BAD_ERASURE */
  async resumed(id: string): Promise<ErasurePlan> {
    const plan = await this.plan(id);
    // It may have died just before it wrote this.
    await this.#lake.putNew(erasurePlanKey(id), JSON.stringify(plan));
    return plan;
  }

  /** The one of the type that is not done, if there is one. */
  async #open(type: string): Promise<ErasurePlan | undefined> {
    const key = openErasureKey(type);
    const body = await this.#lake.get(key);
    return body && parseErasurePlan(body.toString(), key);
  }

  /** Whether the lake has an object of the type's lines. */
  async hasLines(type: string): Promise<boolean> {
    for (const prefix of prefixesOf([type])) for await (const _ of this.#lake.keys(prefix)) return true;
    return false;
  }

  async record(id: string): Promise<Erasure | undefined> {
    const body = await this.#lake.get(erasureKey(id));
    return body && parseErasure(body.toString(), erasureKey(id));
  }

  /** Days of which all is written. */
  async days(id: string): Promise<string[]> {
    const days: string[] = [];
    for await (const key of this.#lake.keys(objectsPrefix(id))) days.push(objectsDay(key));
    return days;
  }

  /** Places first: the day is there once its objects are. */
  async putDay(id: string, { day, places, objects }: FoundDay): Promise<void> {
    await this.#lake.put(placesKey(id, day), packedNdjson(places));
    await this.#lake.put(objectsKey(id, day), packedNdjson(objects));
  }

  async objects(id: string, day: string): Promise<RewrittenObject[]> {
    const key = objectsKey(id, day);
    return (await this.#lines(key)).map((line) => parseRewrittenObject(line, key));
  }

  async places(id: string, day: string): Promise<ErasedPlace[]> {
    return (await this.#lines(placesKey(id, day))).map((line) => erasedPlaceSchema.parse(JSON.parse(line)));
  }

  /** Adds all places of an erasure that is recorded. */
  async addPlaces({ id, days }: Erasure, all: ErasedPlaces): Promise<void> {
    for (const day of days) {
      for (const { src, off, crc = null } of await this.places(id, day)) {
        const name = placeName(src, off);
        all.set(name, (all.get(name) ?? new Set()).add(crc));
      }
    }
  }

  async #lines(key: string): Promise<string[]> {
    const body = await this.#lake.get(key);
    if (body === undefined) throw new AccessError("NO_ERASURE", `${key} is not there any more`);
    return (await linesOf(key, body)).map((line) => line.toString());
  }

  /** From here on the erasure holds. */
  async putRecord(erasure: Erasure): Promise<void> {
    const { id, days } = erasure;
    const entries = days.map((day) => ({
      url: `s3://${this.#lake.bucket}/${placesKey(id, day)}`,
      mandatory: true,
    }));
    await this.#lake.put(placesManifestKey(id), JSON.stringify({ entries }));
    await this.#lake.put(erasureKey(id), JSON.stringify(erasure));
  }

  async isDone(id: string): Promise<boolean> {
    return (await this.#lake.get(erasureDoneKey(id))) !== undefined;
  }

  async end({ id, type }: ErasurePlan, done: object): Promise<void> {
    await this.#lake.put(erasureDoneKey(id), JSON.stringify(done));
    await this.#lake.remove(new Set([openErasureKey(type)]), [openErasureKey(type)], false);
  }

  /** Ids of all that were begun, the earliest first. */
  async ids(): Promise<string[]> {
    const ids = new Set<string>();
    for await (const key of this.#lake.keys(PREFIX.erasures)) {
      const name = key.slice(PREFIX.erasures.length).replace(/(?:\/.*|\.json)$/, "");
      const isOpen = name.startsWith(OPEN);
      const id = isOpen ? (await this.#open(name.slice(OPEN.length)))?.id : name;
      if (id !== undefined && parseErasureKey(erasureKey(id))) ids.add(id);
    }
    return [...ids].toSorted();
  }
}

/** Begins the name of the file of the one that is not done. */
const OPEN = "open-";
