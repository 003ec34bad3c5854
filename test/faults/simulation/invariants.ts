import { crc32, zstdDecompressSync } from "node:zlib";
import { CommitLog } from "../../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../../lambdas/commit-log/cursor.ts";
import { type Commit, parseCommit } from "../../../wire/commit.ts";
import { configFingerprint } from "../../../wire/config-fingerprint.ts";
import { RangeSet } from "../../../wire/ranges.ts";
import { compareSequenceNumbers } from "../../../wire/sequence-number.ts";
import type { WrittenLine } from "./host.ts";
import { LAKE } from "./bucket.ts";
import { CONFIGS, isRow, TAGS, type LineKind, type Tag, wordsOf } from "./lines.ts";
import type { ForeignEvent } from "./producer.ts";
import type { Simulation } from "./simulation.ts";

/** What does not hold at the end of a history; nothing where all is well. */
export async function problemsOf(simulation: Simulation): Promise<string[]> {
  const lake = await Outcome.of(simulation);
  return [
    ...lake.logProblems(),
    ...lake.countProblems(),
    ...lake.streamProblems(),
    ...lake.lineProblems(),
    ...lake.foreignProblems(),
    ...lake.tableProblems(),
  ];
}

interface Row {
  readonly _src: string;
  readonly _off: number;
  readonly _crc: number;
  readonly _host: string | null;
  readonly _arrived_at: number;
  readonly n: number;
  readonly words: string;
}

interface Rejected {
  readonly _src: string;
  readonly _off: number;
  readonly data: string;
}

/** One commit, and which configuration it was routed by. */
interface Routed {
  readonly key: string;
  readonly commit: Commit;
  readonly config: number;
}

const FINGERPRINTS = CONFIGS.map(configFingerprint);

/** What there is in the end, against what was written. */
class Outcome {
  readonly #simulation: Simulation;
  readonly #commits: readonly Routed[];
  readonly #log: readonly string[];
  readonly #rows = new Map<Tag, Map<string, Row[]>>();
  readonly #rejected = new Map<string, Rejected[]>();
  readonly #lines = new Map<string, readonly string[]>();
  /** By source, and by configuration, what was delivered of it. */
  readonly #delivered = new Map<string, Map<number, RangeSet>>();

  static async of(simulation: Simulation): Promise<Outcome> {
    const log = new CommitLog(simulation.bucket.memory.client(), LAKE);
    const keys: string[] = [];
    for await (const { key } of log.read(LOG_BEGINNING)) keys.push(key);
    return new Outcome(simulation, keys);
  }

  private constructor(simulation: Simulation, log: readonly string[]) {
    this.#simulation = simulation;
    this.#log = log;
    const { memory } = simulation.bucket;
    this.#commits = memory.keys("commits/").map((key) => {
      const commit = parseCommit(memory.get(key)!.toString(), key);
      return { key, commit, config: FINGERPRINTS.indexOf(commit.config) };
    });
    for (const tag of TAGS) this.#rows.set(tag, this.#readRows(tag));
    this.#readRejected();
    for (const { commit, config } of this.#commits) {
      // Lines that are filed anew were delivered before.
      if (commit.consumed !== undefined) continue;
      for (const { id, ranges } of commit.sources) {
        const byConfig = this.#delivered.get(id) ?? new Map<number, RangeSet>();
        this.#delivered.set(id, byConfig);
        const set = byConfig.get(config) ?? new RangeSet();
        byConfig.set(config, set);
        for (const [from, to] of ranges) set.add(from, to);
      }
    }
  }

  #readRows(tag: Tag): Map<string, Row[]> {
    const rows = new Map<string, Row[]>();
    const { warehouse } = this.#simulation.loader;
    if (!warehouse.hasTable(`logs.${tag}`)) return rows;
    for (const row of warehouse.query<Row>(`SELECT * FROM logs."${tag}"`)) {
      const key = row._host === null ? `${row._src} ${row._off}` : `${row._host} ${row.n}`;
      rows.set(key, [...(rows.get(key) ?? []), row]);
    }
    return rows;
  }

  /** Of an object that a commit names; none where it is not there. */
  #linesOf(key: string): readonly string[] {
    let lines = this.#lines.get(key);
    if (lines === undefined) {
      const body = this.#simulation.bucket.memory.get(key);
      lines = body === undefined ? [] : zstdDecompressSync(body).toString().split("\n").slice(0, -1);
      this.#lines.set(key, lines);
    }
    return lines;
  }

  #readRejected(): void {
    const seen = new Set<string>();
    for (const { commit } of this.#commits) {
      for (const { kind, key } of commit.objects) {
        if (kind !== "rejected" || seen.has(key)) continue;
        seen.add(key);
        for (const line of this.#linesOf(key)) {
          const rejected = JSON.parse(line) as Rejected;
          const place = `${rejected._src} ${rejected._off}`;
          this.#rejected.set(place, [...(this.#rejected.get(place) ?? []), rejected]);
        }
      }
    }
  }

  /** Each commit is in the log once. */
  *logProblems(): Generator<string> {
    const keys = this.#commits.map(({ key }) => key);
    if (this.#log.toSorted().join() === keys.toSorted().join()) return;
    const logged = new Set(this.#log);
    yield `the log has ${this.#log.length} commits, ${logged.size} of them different; missing are ${keys.filter((key) => !logged.has(key)).join(", ")}`;
  }

  /** lines = rows + rejected + filtered + duplicates, in each commit, and its objects have them. */
  *countProblems(): Generator<string> {
    for (const { key, commit } of this.#commits) {
      for (const [type, { lines, rows, rejected, filtered, duplicates }] of Object.entries(commit.types)) {
        if (lines !== rows + rejected + filtered + duplicates) yield `${key} does not balance for ${type}`;
        const kept = (kind: string): number =>
          commit.objects
            .filter((object) => object.kind === kind && object.type === type)
            .reduce((sum, { rows }) => sum + rows, 0);
        if (kept("data") !== rows || kept("rejected") !== rejected)
          yield `${key}: its objects hold ${kept("data")} rows of ${rows} and ${kept("rejected")} rejected lines of ${rejected} of ${type}`;
      }
      for (const object of commit.objects) {
        const { length } = this.#linesOf(object.key);
        if (length !== object.rows)
          yield `${object.key} has ${length} lines, and its commit says ${object.rows}`;
      }
      if (commit.sources.some(({ conflicts }) => conflicts > 0)) yield `${key} tells of conflicts`;
    }
  }

  /** Every record that the stream has taken is in a commit, and those that nobody can open are kept whole. */
  *streamProblems(): Generator<string> {
    const { stream, producer, failures } = this.#simulation;
    if (failures.keys().length > 0) yield `${failures.keys().length} batches were given up and not replayed`;
    for (const { shardId, records } of stream.shards) {
      for (const { sequenceNumber } of records) {
        if (this.#of(shardId, sequenceNumber).length === 0)
          yield `no commit has ${shardId} ${sequenceNumber}`;
      }
    }
    for (const { shardId, sequenceNumber } of producer.corrupt) {
      for (const { key, commit } of this.#of(shardId, sequenceNumber)) {
        const kept = commit.objects
          .filter(({ kind }) => kind === "quarantine")
          .some(({ key }) => this.#linesOf(key).some((line) => line.includes(sequenceNumber)));
        if (!kept) yield `${key} does not keep the record ${sequenceNumber}`;
      }
    }
  }

  #of(shardId: string, sequenceNumber: string): Routed[] {
    return this.#commits.filter(
      ({ commit: { origin, firstSequenceNumber: first, lastSequenceNumber: last } }) =>
        origin === shardId &&
        compareSequenceNumbers(first, sequenceNumber) <= 0 &&
        compareSequenceNumbers(sequenceNumber, last) <= 0,
    );
  }

  /** Every line of every host is there once: in its table, or rejected, by the configurations that saw it. */
  *lineProblems(): Generator<string> {
    const places = this.#places();
    for (const { lines } of this.#simulation.hosts) {
      for (const line of lines) yield* this.#lineProblems(line, places.get(keyOf(line)) ?? []);
    }
  }

  *#lineProblems(line: WrittenLine, places: readonly Place[]): Generator<string> {
    const { n, host, tag, kind, text, offset, isCopy } = line;
    const what = `line ${n} of ${host} (${tag}, ${kind}, at ${offset})`;
    const rows = this.#rows.get(tag)!.get(`${host} ${n}`) ?? [];
    if (kind === "debug") {
      if (rows.length + places.length > 0) yield `${what} was to be left out`;
      return;
    }
    if (rows.length > 1) yield `${what} is in the table ${rows.length} times: ${JSON.stringify(rows)}`;
    for (const row of rows) yield* rowProblems(what, row, line);
    const configs = new Set(places.flatMap(({ configs }) => configs));
    if (configs.size === 0) {
      // What was delivered before the image was made is there from where it was.
      if (!isCopy) yield `${what} is in no commit: ${JSON.stringify(text)}`;
      return;
    }
    yield* this.#kindProblems(what, tag, kind, configs, rows.length, places);
  }

  *#kindProblems(
    what: string,
    tag: Tag,
    kind: LineKind,
    configs: ReadonlySet<number>,
    rows: number,
    places: readonly { readonly src: string; readonly offset: number }[],
  ): Generator<string> {
    const { reparsedBy } = this.#simulation;
    const tried = reparsedBy === undefined ? configs : [...configs, reparsedBy];
    const isWanted = [...tried].some((config) => isRow(config, tag, kind));
    if (isWanted !== rows > 0) {
      yield `${what}, routed by ${[...configs].join()}, is in the table ${rows} times`;
    }
    const rejected = places.flatMap(({ src, offset }) => this.#rejected.get(`${src} ${offset}`) ?? []);
    const isRejected = [...configs].some((config) => !isRow(config, tag, kind));
    if (isRejected !== rejected.length > 0) {
      yield `${what}, routed by ${[...configs].join()}, was rejected ${rejected.length} times`;
    }
  }

  /** Where commits have the lines of hosts. */
  #places(): Map<string, Place[]> {
    const places = new Map<string, Place[]>();
    const add = (host: string, n: string, src: string, offset: number): void => {
      const key = `${host} ${n}`;
      const known = places.get(key) ?? [];
      places.set(key, known);
      if (known.some((place) => place.src === src && place.offset === offset)) return;
      const configs = [...(this.#delivered.get(src) ?? [])].flatMap(([config, ranges]) =>
        ranges.covers(offset, offset + 1) ? config : [],
      );
      known.push({ src, offset, configs });
    };
    for (const [, byKey] of this.#rows) {
      for (const row of [...byKey.values()].flat())
        if (row._host !== null) add(row._host, `${row.n}`, row._src, row._off);
    }
    for (const [host, n, src, offset] of this.#linesInObjects()) add(host, n, src, offset);
    return places;
  }

  /** Lines of hosts in the lake: host, number, source and offset. */
  *#linesInObjects(): Generator<[string, string, string, number]> {
    const seen = new Set<string>();
    for (const { commit } of this.#commits) {
      for (const { kind, key } of commit.objects) {
        if (kind === "quarantine" || seen.has(key)) continue;
        seen.add(key);
        for (const json of this.#linesOf(key)) {
          const { _host, _src, _off, words, data } = JSON.parse(json) as Record<string, string | null>;
          const n = /line (\d+) /.exec(words ?? data ?? "")?.[1];
          if (typeof _host === "string" && n !== undefined) yield [_host, n, _src!, Number(_off)];
        }
      }
    }
  }

  /** The same of other producers' events, which are known by their records. */
  *foreignProblems(): Generator<string> {
    for (const event of this.#simulation.producer.events) yield* this.#foreignProblems(event);
  }

  *#foreignProblems({ n, tag, kind, text, index, taken }: ForeignEvent): Generator<string> {
    const { shardId, sequenceNumber } = taken;
    const src = `${shardId}:${sequenceNumber}`;
    const what = `event ${index} of ${src} (${n}, ${tag}, ${kind})`;
    const rows = this.#rows.get(tag)!.get(`${src} ${index}`) ?? [];
    if (rows.length > 1) yield `${what} is in the table ${rows.length} times`;
    for (const row of rows) {
      if (
        row.n !== n ||
        row.words !== wordsOf(n, kind) ||
        row._crc !== crc32(text) ||
        row._arrived_at !== taken.arrivedAtMs
      )
        yield `${what} is in the table as ${JSON.stringify(row)}`;
    }
    const configs = new Set(this.#of(shardId, sequenceNumber).map(({ config }) => config));
    if (configs.size === 0) return; // is told already
    yield* this.#kindProblems(what, tag, kind, configs, rows.length, [{ src, offset: index }]);
  }

  /** Nothing else is in the tables, and the ledger says how much. */
  *tableProblems(): Generator<string> {
    const { hosts, producer, loader } = this.#simulation;
    const written = new Set(hosts.flatMap(({ lines }) => lines.map(keyOf)));
    for (const { taken, index } of producer.events)
      written.add(`${taken.shardId}:${taken.sequenceNumber} ${index}`);
    for (const [tag, rows] of this.#rows) {
      for (const key of rows.keys())
        if (!written.has(key)) yield `${tag} has a row of ${key}, which nobody wrote`;
    }
    const { warehouse } = loader;
    if (!warehouse.hasTable("weir.loads")) return;
    for (const { target, rows } of warehouse.query<{ target: string; rows: number }>(
      "SELECT target, sum(rows_inserted) AS rows FROM weir.loads GROUP BY target",
    )) {
      const [{ count } = { count: 0 }] = warehouse.query<{ count: number }>(
        `SELECT count(*) AS count FROM ${target}`,
      );
      if (count !== rows) yield `${target} has ${count} rows, and its ledger says ${rows}`;
    }
    const conflicts = warehouse.query("SELECT * FROM weir.conflicts");
    if (conflicts.length > 0) yield `lines claim one place: ${JSON.stringify(conflicts[0])}`;
  }
}

interface Place {
  readonly src: string;
  readonly offset: number;
  readonly configs: readonly number[];
}

const keyOf = ({ host, n }: WrittenLine): string => `${host} ${n}`;

function* rowProblems(what: string, row: Row, { n, kind, text, offset }: WrittenLine): Generator<string> {
  const isRight =
    row._off === offset && row._crc === crc32(text) && row.words === wordsOf(n, kind) && row.n === n;
  if (!isRight) yield `${what} is in the table as ${JSON.stringify(row)}`;
}
