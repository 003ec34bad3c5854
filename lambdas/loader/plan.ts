import { createHash } from "node:crypto";
import type { Commit } from "../../wire/commit.ts";
import type { RewrittenObject } from "../../wire/erasure.ts";
import { type Codec, codecOf, parseCommitKey, PREFIX } from "../../wire/keys.ts";
import { loadsFolder, MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import type { Cursor } from "../commit-log/cursor.ts";
import { LoadRanges } from "./load-ranges.ts";
import { ledgerCommit, LedgerBatches, timestamp } from "./ledger-commit.ts";
import type { OpenLoad } from "./open-load.ts";
import type { Target } from "./target.ts";

/** What a load needs in the lake before it is submitted. */
interface LoadFile {
  readonly key: string;
  readonly body: string | Buffer;
}

/** What an object takes in the plan and in its manifest besides its key, about. */
const OBJECT_BYTES = 200;

/**
 * The load of commits that have rows for a table, planned commit by commit, so that no more is held of each than
 * the load's files will say of it:
 *
 * loads/<id>/rows-<codec>.manifest   objects to COPY; the id is <name>/... in another warehouse than the main one
 * loads/<id>/commits.ndjson          for weir.commits, and the check against it
 * loads/<id>/ranges.ndjson           for weir.ranges, and the check against it
 *
 * The slow path is taken at once where commits overlap one another, since COPY would load those rows twice, and
 * where lines of one batch claim the same bytes.
 */
export class LoadPlan {
  readonly #target: Target;
  readonly #objects = new Map<string, { readonly rows: number; readonly bytes: number }>();
  readonly #commits: string[] = [];
  readonly #batches = new LedgerBatches();
  readonly #ranges: LoadRanges;
  readonly #hash = createHash("sha256");
  #oldest = Infinity;
  #newest = 0;
  #bytes = 0;
  #commitBytes = 0;
  #repeatsObject = false;
  #isRewritten = false;
  #arrivedFrom = "9999";
  #arrivedTo = "";

  constructor(target: Target) {
    this.#target = target;
    this.#ranges = new LoadRanges(target);
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

  /** Adds a commit if it has rows for the table, and is not the same again. */
  add(key: string, commit: Commit): void {
    const objects = dataObjects(commit, this.#target);
    if (objects.length === 0 || !this.#batches.add(key, commit, this.#target)) return;
    this.#hash.update(`${key}\n`);
    const writtenAt = parseCommitKey(key).writtenAt.getTime();
    this.#oldest = Math.min(this.#oldest, writtenAt);
    this.#newest = Math.max(this.#newest, writtenAt);
    for (const { key, rows, bytes } of objects) {
      // What the later commit says of an object is what is in it.
      const earlier = this.#objects.get(key);
      this.#repeatsObject ||= earlier !== undefined;
      this.#bytes += bytes - (earlier?.bytes ?? 0);
      this.#objects.set(key, { rows, bytes });
    }
    if (commit.arrivedFrom < this.#arrivedFrom) this.#arrivedFrom = commit.arrivedFrom;
    if (commit.arrivedTo > this.#arrivedTo) this.#arrivedTo = commit.arrivedTo;
    const row = `${JSON.stringify(ledgerCommit(commit, this.#target))}\n`;
    this.#commits.push(row);
    this.#commitBytes += row.length;
    this.#ranges.add(commit);
  }

  /** Keys of the objects that its commits name. */
  get objects(): Iterable<string> {
    return this.#objects.keys();
  }

  /** Loads others in the place of some objects: what an erasure has left of them. */
  replaceObjects(rewritten: ReadonlyMap<string, RewrittenObject>): void {
    for (const [name, { key, rows, bytes }] of rewritten) {
      this.#bytes += bytes - (this.#objects.get(name)?.bytes ?? 0);
      this.#objects.delete(name);
      if (key !== undefined) this.#objects.set(key, { rows, bytes });
      this.#isRewritten = true;
    }
  }

  /** @param log the interval that the commits were read from. Plan nothing that is empty. */
  load(log: { readonly from: Cursor; readonly to: Cursor }, now: Date): OpenLoad {
    const id = this.#id();
    const folder = `${PREFIX.loads}${id}/`;
    // Ranges with an erased place would abort the fast path, whatever the objects hold.
    const isSlow =
      this.#ranges.overlap || this.#batches.foreignOverlap || this.#repeatsObject || this.#isRewritten;
    const objects = [...this.#objects].map(([key, { rows }]) => ({ codec: codecOf(key), rows }));
    return {
      id,
      path: isSlow ? "slow" : "fast",
      attempt: 0,
      plannedAt: now.toISOString(),
      oldestCommitAt: new Date(this.#oldest).toISOString(),
      log,
      rows: sum(objects),
      bytes: this.#bytes,
      manifests: CODECS.filter((codec) => objects.some((object) => object.codec === codec)).map((codec) => ({
        key: `${folder}rows-${codec}.manifest`,
        rows: sum(objects.filter((object) => object.codec === codec)),
        codec,
      })),
      commits: { key: `${folder}commits.ndjson`, rows: this.#commits.length },
      ranges: { key: `${folder}ranges.ndjson`, rows: this.#ranges.size },
      arrived: { from: timestamp(this.#arrivedFrom), to: timestamp(this.#arrivedTo) },
    };
  }

  /** The files of this load, one at a time: each may be large. */
  *files({ manifests, commits, ranges }: OpenLoad, bucket: string): Generator<LoadFile> {
    for (const { key, codec } of manifests) yield { key, body: this.#manifest(bucket, codec) };
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

  /** A missing object fails the load: without `mandatory` COPY would go on without it. */
  #manifest(bucket: string, codec: Codec): string {
    const keys = [...this.#objects.keys()].filter((key) => codecOf(key) === codec);
    return JSON.stringify({
      entries: keys.map((key) => ({ url: `s3://${bucket}/${key}`, mandatory: true })),
    });
  }
}

const dataObjects = (commit: Commit, { type }: Target): Commit["objects"] =>
  commit.objects.filter((object) => object.kind === "data" && object.type === type && object.rows > 0);

const CODECS = ["zstd", "gzip"] as const;
const sum = (objects: readonly { readonly rows: number }[]): number =>
  objects.reduce((sum, { rows }) => sum + rows, 0);
