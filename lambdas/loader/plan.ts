import { createHash } from "node:crypto";
import type { Commit } from "../../wire/commit.ts";
import type { RewrittenObject } from "../../wire/erasure.ts";
import { loadsFolder, MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { parseCommitKey, PREFIX } from "../../wire/keys.ts";
import type { Cursor } from "../commit-log/cursor.ts";
import { LoadRanges } from "./load-ranges.ts";
import { hasForeignRows, ledgerCommit, LedgerBatches, timestamp } from "./ledger-commit.ts";
import type { OpenLoad } from "./open-load.ts";
import { type LoadObject, manifestBody, manifestsOf, ndjson } from "./set-aside/load-objects.ts";
import { RoutedBy } from "./removed-columns/routed-by.ts";
import { columnsFingerprint, type Target, typesOf } from "./target.ts";

/** What a load needs in the lake before it is submitted. */
interface LoadFile {
  readonly key: string;
  readonly body: string | Buffer;
}

/** What an object takes in the plan, in its manifest and in the list of objects, about. */
const OBJECT_BYTES = 600;

/**
 * The load of commits that have rows for a table, planned commit by commit, so that no more is held of each than
 * the load's files will say of it:
 *
 * loads/<id>/rows-<codec>.manifest   objects to COPY; the id is <name>/... in another warehouse than the main one
 * loads/<id>/objects.ndjson          the same, with rows and commit of each: for the search for one at fault
 * loads/<id>/commits.ndjson          for weir.commits, and the check against it
 * loads/<id>/ranges.ndjson           for the ledger, and the check against it
 *
 * The slow path is taken at once where commits overlap one another, since COPY would load those rows twice, and
 * where lines of one batch claim the same bytes.
 */
export class LoadPlan {
  readonly #target: Target;
  readonly #objects = new Map<string, Omit<LoadObject, "object_key">>();
  readonly #configs: RoutedBy;
  readonly #commits: string[] = [];
  readonly #batches = new LedgerBatches();
  readonly #ranges = new LoadRanges();
  readonly #hash = createHash("sha256");
  #oldest = Infinity;
  #newest = 0;
  #bytes = 0;
  #commitBytes = 0;
  #repeatsObject = false;
  #isRewritten = false;
  #foreignCommits = 0;
  #arrivedFrom = "9999";
  #arrivedTo = "";

  constructor(target: Target) {
    this.#target = target;
    this.#configs = new RoutedBy(target.config);
  }

  /** Commits in it. */
  get size(): number {
    return this.#commits.length;
  }

  /** Bytes of the objects that it loads, compressed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory that it takes, about. */
  get heldBytes(): number {
    return this.#objects.size * OBJECT_BYTES + 2 * this.#commitBytes + this.#ranges.heldBytes;
  }

  /** Sources that more than one host claims, with the hosts. */
  get contested(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#ranges.contested;
  }

  /**
   * Adds a commit if it has rows for the table, and is not the same again.
   *
   * @param types of which rows are loaded: all that the table takes, or fewer
   */
  add(key: string, commit: Commit, types = typesOf(this.#target)): void {
    const objects = dataObjects(commit, types);
    if (objects.length === 0 || !this.#batches.add(key, commit, types)) return;
    this.#hash.update(`${key}\n`);
    const writtenAt = parseCommitKey(key).writtenAt.getTime();
    this.#oldest = Math.min(this.#oldest, writtenAt);
    this.#newest = Math.max(this.#newest, writtenAt);
    for (const { key: object, rows, bytes } of objects) {
      // What the later commit says of an object is what is in it.
      const earlier = this.#objects.get(object);
      this.#repeatsObject ||= earlier !== undefined;
      this.#bytes += bytes - (earlier?.bytes ?? 0);
      this.#objects.set(object, { commit_key: key, rows, bytes, config: commit.config });
      this.#configs.add(commit.config, bytes);
    }
    if (hasForeignRows(commit, types)) this.#foreignCommits++;
    if (commit.arrivedFrom < this.#arrivedFrom) this.#arrivedFrom = commit.arrivedFrom;
    if (commit.arrivedTo > this.#arrivedTo) this.#arrivedTo = commit.arrivedTo;
    const row = `${JSON.stringify(ledgerCommit(commit, types))}\n`;
    this.#commits.push(row);
    this.#commitBytes += row.length;
    this.#ranges.add(commit, types);
  }

  /** Keys of the objects that its commits name. */
  get objects(): Iterable<string> {
    return this.#objects.keys();
  }

  /** Loads others in the place of some objects: what an erasure has left of them. */
  replaceObjects(rewritten: ReadonlyMap<string, RewrittenObject>): void {
    for (const [name, { key, rows, bytes }] of rewritten) {
      const replaced = this.#objects.get(name);
      this.#bytes += bytes - (replaced?.bytes ?? 0);
      this.#objects.delete(name);
      if (key !== undefined && replaced) this.#objects.set(key, { ...replaced, rows, bytes });
      this.#isRewritten = true;
    }
  }

  /** Configurations that its objects were routed by, and what is known of each. */
  get configs(): RoutedBy {
    return this.#configs;
  }

  /** Objects that may have fields without a column in the table. */
  get uncovered(): string[] {
    return [...this.#objects].flatMap(([key, { config = "" }]) => (this.#configs.covers(config) ? [] : key));
  }

  /** Loads copies in the place of some objects, with the same rows. */
  readCopies(keys: ReadonlyMap<string, string>): void {
    for (const [key, copy_key] of keys) this.#objects.set(key, { ...this.#objects.get(key)!, copy_key });
  }

  /** @param log the interval that the commits were read from. Plan nothing that is empty. */
  load(log: { readonly from: Cursor; readonly to: Cursor }, now: Date): OpenLoad {
    const id = this.#id();
    const folder = `${PREFIX.loads}${id}/`;
    // Ranges with an erased place would abort the fast path, whatever the objects hold.
    const isSlow =
      this.#ranges.overlap || this.#batches.foreignOverlap || this.#repeatsObject || this.#isRewritten;
    const objects = [...this.#objects].map(([object_key, { rows }]) => ({ object_key, rows }));
    return {
      id,
      path: isSlow ? "slow" : "fast",
      attempt: 0,
      plannedAt: now.toISOString(),
      oldestCommitAt: new Date(this.#oldest).toISOString(),
      log,
      rows: sum(objects),
      bytes: this.#bytes,
      manifests: manifestsOf(objects, (codec) => `${folder}rows-${codec}.manifest`),
      objects: { key: `${folder}objects.ndjson`, rows: objects.length },
      commits: { key: `${folder}commits.ndjson`, rows: this.#commits.length },
      foreignCommits: this.#foreignCommits,
      ranges: { key: `${folder}ranges.ndjson`, rows: this.#ranges.size },
      arrived: { from: timestamp(this.#arrivedFrom), to: timestamp(this.#arrivedTo) },
      columns: columnsFingerprint(this.#target),
    };
  }

  /** The files of this load, one at a time: each may be large. */
  *files({ manifests, objects, commits, ranges }: OpenLoad, bucket: string): Generator<LoadFile> {
    for (const { key, codec } of manifests) {
      yield { key, body: manifestBody(this.#lines(), codec, bucket) };
    }
    yield { key: objects!.key, body: ndjson(this.#lines()) };
    yield { key: commits.key, body: this.#commits.join("") };
    yield { key: ranges.key, body: this.#ranges.body() };
  }

  /** Minute of the newest commit, table, and a hash of the commits' keys: ids of one warehouse sort by time. */
  #id(): string {
    const newest = new Date(this.#newest).toISOString();
    const hash = this.#hash.copy().digest("hex").slice(0, 12);
    const { warehouse = MAIN_WAREHOUSE, name } = this.#target;
    return `${loadsFolder(warehouse)}${newest.slice(0, 16).replace(/[-:]/g, "")}-${name}-${hash}`;
  }

  *#lines(): Generator<LoadObject> {
    for (const [object_key, object] of this.#objects) yield { object_key, ...object };
  }
}

const dataObjects = (commit: Commit, types: readonly string[]): Commit["objects"] =>
  commit.objects.filter(({ kind, type, rows }) => kind === "data" && types.includes(type) && rows > 0);

const sum = (objects: readonly { readonly rows: number }[]): number =>
  objects.reduce((sum, { rows }) => sum + rows, 0);
