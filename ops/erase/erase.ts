import { setTimeout as sleep } from "node:timers/promises";
import type { Erasure, ErasurePlan } from "../../wire/erasure.ts";
import type { TableErasure, TableMatch } from "../../wire/loader-command.ts";
import { AccessError } from "../access/access-error.ts";
import type { Place } from "../access/place.ts";
import { ErasureFiles } from "./erasure-files.ts";
import { EraseLake, type NotRemoved } from "./lake.ts";
import { type ErasedPlaces, Matcher } from "./matcher.ts";
import { type FoundDay, prefixesOf, scan, typesOf } from "./scan.ts";

/** What an erasure works on, and whom it tells how far it is. */
export interface EraseParts {
  readonly place: Pick<Place, "s3" | "bucket" | "invokeLoader">;
  readonly now: () => Date;
  readonly progress: (text: string) => void;
  /** How long to wait for the warehouse, and between two questions. */
  readonly maxWaitMs: number;
  readonly waitMs: number;
}

/** What there is in the lake. */
export interface Found {
  readonly scanned: number;
  readonly rows: number;
  readonly rejected: number;
  readonly objects: number;
  /** Objects that could not be looked at, and stay as they are. */
  readonly unreadable: readonly string[];
}

export interface Preview extends Found {
  readonly tables: readonly TableMatch[];
}

export interface Erased {
  readonly record: Erasure;
  readonly tables: readonly TableErasure[];
  readonly notRemoved: readonly NotRemoved[];
  /** False: what was replaced is still there, and it has to be resumed. */
  readonly done: boolean;
}

/** Places of one erasure: the warehouse compares with all of them. Several erasures may have more. */
const MAX_PLACES = 5_000_000;

/** Objects that could not be read, as a record has them. */
const MAX_UNREADABLE = 100;

/** Says what an erasure would erase, and changes nothing. */
export async function preview(plan: ErasurePlan, parts: EraseParts): Promise<Preview> {
  const lake = new EraseLake(parts.place);
  const total = new Total();
  for await (const day of scan(lake, typesOf(plan), await matcherOf(plan, lake), {})) {
    total.add(day);
    parts.progress(`${day.day}: ${total.text}`);
  }
  const { type, condition, arrivedBefore } = plan;
  const asked = { command: "match" as const, type, condition, arrivedBefore };
  const { tables } = await parts.place.invokeLoader(asked).catch(withoutTables);
  return { ...total.found, tables };
}

/** Erases from the beginning. @throws AccessError ERASURE_OPEN */
export async function erase(plan: ErasurePlan, parts: EraseParts): Promise<Erased> {
  await new ErasureFiles(new EraseLake(parts.place)).begin(plan);
  return resume(plan.id, parts);
}

/**
 * Goes on with an erasure from wherever it is:
 *
 * what is left of each object, and a day's files · the record · the tables · what was replaced goes · done
 *
 * Up to the record nothing is missing anywhere; from it on, whoever reads the lake reads what is left.
 *
 * @throws AccessError NO_ERASURE
 */
export async function resume(id: string, parts: EraseParts): Promise<Erased> {
  const lake = new EraseLake(parts.place);
  const files = new ErasureFiles(lake);
  const plan = await files.resumed(id);
  const recorded = await files.record(id);
  const record = recorded ?? (await write(plan, lake, files, parts));
  const tables = await eraseTables(id, parts);
  const isErased = tables.every(
    ({ condition, openLoad }) => condition === "erased" && openLoad === undefined,
  );
  if (!isErased) return { record, tables, notRemoved: [], done: false };
  const notRemoved = await removeReplaced(record, lake, files, parts);
  const done = notRemoved.length === 0;
  if (done) await files.end(plan, { version: 1, id, doneAt: parts.now().toISOString(), tables });
  return { record, tables, notRemoved, done };
}

/** Writes what is left of the objects, and at last the record. */
async function write(
  plan: ErasurePlan,
  lake: EraseLake,
  files: ErasureFiles,
  { now, progress }: EraseParts,
): Promise<Erasure> {
  const { id } = plan;
  const total = new Total();
  const before = new Set(await files.days(id));
  for (const day of before) {
    const objects = await files.objects(id, day);
    total.add({
      ...countsOf(objects),
      day,
      scanned: 0,
      places: await files.places(id, day),
      objects,
      unreadable: [],
    });
  }
  const put = (key: string, body: Buffer): Promise<void> => lake.put(key, body);
  const matcher = await matcherOf(plan, lake);
  for await (const day of scan(lake, typesOf(plan), matcher, { isDone: (day) => before.has(day), put })) {
    total.add(day);
    if (day.objects.length > 0) await files.putDay(id, day);
    progress(`${day.day}: ${total.text}`);
  }
  const { rows, rejected, objects, unreadable } = total.found;
  const counts = { places: total.places, rows, rejected, objects, days: total.days.toSorted() };
  const record = {
    ...plan,
    recordedAt: now().toISOString(),
    ...counts,
    unreadable: unreadable.slice(0, MAX_UNREADABLE),
  };
  await files.putRecord(record);
  progress(`recorded: ${total.text}`);
  return record;
}

const countsOf = (objects: FoundDay["objects"]): Pick<FoundDay, "rows" | "rejected"> => {
  const erased = (prefix: string): number =>
    objects.reduce((sum, { object, erased }) => sum + (object.startsWith(prefix) ? erased : 0), 0);
  return { rows: erased("data/"), rejected: erased("rejected/") };
};

/** Has the loader erase from the tables, until they are done, it fails again and again, or time is up. */
async function eraseTables(
  id: string,
  { place, now, progress, maxWaitMs, waitMs }: EraseParts,
): Promise<TableErasure[]> {
  const until = now().getTime() + maxWaitMs;
  for (let failures = 0; ;) {
    const { tables } = await place.invokeLoader({ command: "erase", id }).catch(withoutTables);
    const isOver = tables.every(
      ({ condition, openLoad }) => condition === "erased" && openLoad === undefined,
    );
    const failed = tables.some(({ condition }) => condition === "failed");
    failures = failed ? failures + 1 : 0;
    if (isOver || failures >= MAX_FAILURES || now().getTime() >= until) return [...tables];
    progress(tables.map(waitingText).join("; "));
    await sleep(waitMs);
  }
}

/** In a row: what passes by itself passes by then. */
const MAX_FAILURES = 3;

const waitingText = ({ table, condition, openLoad, error }: TableErasure): string =>
  `${table}: ${error ?? condition}${openLoad === undefined ? "" : `, and a load from before is open: ${openLoad}`}`;

/** Rows that stay in the lake have no table. */
function withoutTables(error: unknown): { readonly tables: readonly never[] } {
  if (error instanceof AccessError && error.code === "NO_LOADER") return { tables: [] };
  throw error;
}

async function removeReplaced(
  record: Erasure,
  lake: EraseLake,
  files: ErasureFiles,
  { progress }: EraseParts,
): Promise<NotRemoved[]> {
  const { id, days } = record;
  const types = typesOf(record);
  const notRemoved: NotRemoved[] = [];
  const isVersioned = await lake.isVersioned();
  for (const day of days) {
    const replaced = new Set((await files.objects(id, day)).map(({ object }) => object));
    notRemoved.push(...(await lake.remove(replaced, prefixesOf(types, day), isVersioned)));
    progress(`${day}: ${replaced.size} replaced objects removed${isVersioned ? ", in all versions" : ""}`);
  }
  return notRemoved;
}

/** @throws AccessError NO_ERASURE where the one that is made again was never recorded */
async function matcherOf(plan: ErasurePlan, lake: EraseLake): Promise<Matcher> {
  if (plan.again === undefined) return new Matcher(plan);
  const files = new ErasureFiles(lake);
  const places: ErasedPlaces = new Map();
  // What is made again may have been made again before.
  for (let id: string | undefined = plan.again; id !== undefined;) {
    const record: Erasure | undefined = await files.record(id);
    if (!record) throw new AccessError("NO_ERASURE", `the lake has no record of an erasure ${id}`);
    await files.addPlaces(record, places);
    id = record.again;
  }
  return new Matcher(plan, places);
}

/** What the days add up to. */
class Total {
  places = 0;
  readonly days: string[] = [];
  #scanned = 0;
  #rows = 0;
  #rejected = 0;
  #objects = 0;
  readonly #unreadable: string[] = [];

  /** @throws AccessError BAD_REQUEST */
  add({ day, scanned, rows, rejected, places, objects, unreadable }: FoundDay): void {
    this.places += places.length;
    if (this.places > MAX_PLACES) {
      const hint = "Make it several, by --since and --until.";
      throw new AccessError("BAD_REQUEST", `an erasure is of ${MAX_PLACES} lines at most`, hint);
    }
    if (objects.length > 0) this.days.push(day);
    this.#scanned += scanned;
    this.#rows += rows;
    this.#rejected += rejected;
    this.#objects += objects.length;
    for (const { message } of unreadable) this.#unreadable.push(message);
  }

  get found(): Found {
    return {
      scanned: this.#scanned,
      rows: this.#rows,
      rejected: this.#rejected,
      objects: this.#objects,
      unreadable: this.#unreadable,
    };
  }

  get text(): string {
    const { rows, rejected, objects, scanned } = this.found;
    return `${rows} rows and ${rejected} rejected lines in ${objects} of ${scanned} objects`;
  }
}
