import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Audit, type AuditOptions, type AuditResult } from "../../ops/audit/audit.ts";
import type { FailedBatch } from "../../ops/audit/failed-batches.ts";
import { type Commit, noLines } from "../../wire/commit.ts";
import { batchName, commitKey } from "../../wire/keys.ts";
import {
  at,
  commitOf,
  found,
  heartbeatOf,
  type HistoryBatch,
  hostOf,
  LINE_BYTES,
  NOW,
  pathOf,
  type Piece,
  rowsOf,
  tableOf,
} from "./audit-history.ts";

type Named = { readonly key: string; readonly commit: Commit };

/** Batches of shards, each with lines of some sources, which go on from batch to batch. */
const steps = fc.array(
  fc.record({
    shard: fc.nat(2),
    records: fc.integer({ min: 1, max: 5 }),
    pieces: fc.array(
      fc.record({
        source: fc.nat(3),
        lines: fc.integer({ min: 1, max: 6 }),
        kind: fc.constantFrom("rows", "rows", "rows", "rejected", "gap"),
      }),
      { maxLength: 3 },
    ),
    foreign: fc.constantFrom(0, 0, 2),
  }),
  { minLength: 2, maxLength: 25 },
);
type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never;

interface History {
  readonly batches: readonly HistoryBatch[];
  readonly sizes: ReadonlyMap<number, number>;
  readonly rows: number;
}

function historyOf(all: Steps): History {
  const sizes = new Map<number, number>();
  const ends = new Map<number, number>();
  let rows = 0;
  const batches = all.map(({ shard, records, pieces, foreign }, minute): HistoryBatch => {
    const first = 1 + (ends.get(shard) ?? 0);
    ends.set(shard, first + records - 1);
    rows += foreign;
    const taken = pieces.map(({ source, lines, kind }): Piece => {
      const from = sizes.get(source) ?? 0;
      const to = from + lines * LINE_BYTES;
      sizes.set(source, to);
      const rejected = kind === "rejected" ? 1 : 0;
      if (kind === "gap") return { source, from, to, gap: true };
      rows += lines - rejected;
      return { source, from, to, rejected };
    });
    return { shard, first, last: first + records - 1, minute, pieces: taken, foreign };
  });
  return { batches, sizes, rows };
}

function audited(
  commits: readonly Named[],
  { sizes }: Pick<History, "sizes">,
  options: Partial<AuditOptions> = {},
): AuditResult {
  const audit = new Audit({ now: NOW, ...options });
  for (const one of found(commits)) audit.add(one);
  for (const host of ["web-0", "web-1"]) audit.tell(heartbeatOf(host, sizes, 1_000), at(1_000));
  return audit.end();
}

describe("a history in which nothing is lost balances", () => {
  test("with batches that came again, in whole or in halves, before or after", () => {
    fc.assert(
      fc.property(
        steps,
        fc.array(fc.record({ at: fc.nat(), halves: fc.boolean(), to: fc.nat() })),
        (all, again) => {
          const history = historyOf(all);
          const commits = history.batches.map(commitOf);
          const extra: { to: number; commits: Named[] }[] = again.map(({ at, halves, to }) => {
            const batch = history.batches[at % history.batches.length]!;
            return { to, commits: (halves ? bisected(batch) : [batch]).map(commitOf) };
          });
          for (const { to, commits: some } of extra) commits.splice(to % (commits.length + 1), 0, ...some);
          const tables = [tableOf(commits, commits.length, history.rows)];
          const result = audited(commits, history, { tables });
          expect(result.findings).toEqual([]);
          expect(result.balanced).toBe(true);
          expect(result.tables[0]!.lake).toBe(commits.reduce((sum, one) => sum + rowsOf(one), 0));
          expect(result.tables[0]!.loaded + result.tables[0]!.duplicates).toBe(result.tables[0]!.lake);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("lines are counted once, and what waits for the loader is told and is no fault", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, waiting) => {
        const history = historyOf(all);
        const once = history.batches.map(commitOf);
        const loaded = once.length - (waiting % once.length);
        const distinct = once.slice(0, loaded).reduce((sum, one) => sum + rowsOf(one), 0);
        const commits = [...once, ...once.slice(loaded)];
        const result = audited(commits, history, { tables: [tableOf(commits, loaded, distinct)] });
        expect(result.findings).toEqual([]);
        expect(result.tables[0]!.waiting).toBe(2 * (history.rows - distinct));
        const sum = once.reduce((lines, { commit }) => lines + (commit.types["access"]?.lines ?? 0), 0);
        const [access] = result.types;
        expect(access?.lines ?? 0).toBe(sum);
        expect(result.hours.reduce((lines, hour) => lines + hour.lines, 0)).toBe(sum);
        expect((access?.rows ?? 0) + (access?.rejected ?? 0) + (access?.filtered ?? 0)).toBe(sum);
      }),
      { numRuns: 200 },
    );
  });
});

/** A batch in two, as Lambda has it after a failure. */
function bisected(batch: HistoryBatch): HistoryBatch[] {
  const { first, last, pieces, foreign = 0 } = batch;
  if (first === last) return [batch];
  const middle = Math.floor((first + last) / 2);
  const half = Math.ceil(pieces.length / 2);
  return [
    { ...batch, last: middle, pieces: pieces.slice(0, half), foreign },
    { ...batch, first: middle + 1, pieces: pieces.slice(half), foreign: 0 },
  ];
}

describe("whatever is lost or there twice is found, and named", () => {
  test("a commit that is not there", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, which) => {
        const history = historyOf(all);
        const bringing = history.batches.filter(({ pieces }) => pieces.length > 0);
        fc.pre(bringing.length > 0);
        const lost = bringing[which % bringing.length]!;
        const commits = history.batches.filter((batch) => batch !== lost).map(commitOf);
        const { balanced, findings } = audited(commits, history);
        expect(balanced).toBe(false);
        const named = new Set(findings.map(({ kind, subject }) => `${kind} ${subject}`));
        const sources = new Set(lost.pieces.map(({ source }) => source));
        expect([...named].toSorted()).toEqual(
          [...sources].map((n) => `missing ${hostOf(n)}:${pathOf(n)}`).toSorted(),
        );
        const bytes = lost.pieces.reduce((sum, { from, to }) => sum + to - from, 0);
        expect(findings.reduce((sum, { count }) => sum + count, 0)).toBe(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test("rows that a load has lost, that went from the table, or that are there twice", () => {
    const change = fc.record({
      what: fc.constantFrom("not-loaded", "rows-gone", "rows-unknown", "lost-rows"),
      rows: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(steps, change, (all, { what, rows }) => {
        const history = historyOf(all);
        const commits = history.batches.map(commitOf);
        fc.pre(history.rows >= rows);
        const { loads, ledger, ...table } = tableOf(commits, commits.length, history.rows);
        const less = { ...ledger, inserted: ledger.inserted - rows };
        const tables = {
          "not-loaded": {
            loads: { ...loads, staged: loads.staged - rows, inserted: loads.inserted - rows },
            ledger: less,
            rows: history.rows - rows,
          },
          "rows-gone": { loads, ledger, rows: history.rows - rows },
          "rows-unknown": { loads, ledger, rows: history.rows + rows },
          "lost-rows": {
            loads: { ...loads, inserted: loads.inserted - rows },
            ledger: less,
            rows: history.rows - rows,
          },
        } as const;
        const { findings } = audited(commits, history, { tables: [{ ...table, ...tables[what] }] });
        expect(findings.map(({ kind, subject }) => [kind, subject])).toContainEqual([what, "logs.access"]);
        expect(findings.find(({ kind }) => kind === what)!.count).toBe(rows);
      }),
      { numRuns: 300 },
    );
  });

  test("a batch that was given up, until commits have all of its records", () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.boolean(), (all, which, isReplayed) => {
        const history = historyOf(all);
        const lost = history.batches[which % history.batches.length]!;
        const rest = history.batches.filter((batch) => batch !== lost);
        const batches = isReplayed ? [...rest, ...bisected(lost)] : rest;
        const failures = [failureOf(lost)];
        const { findings, replayed } = audited(batches.map(commitOf), history, { failures });
        const failed = findings.filter(({ kind }) => kind === "failed-batch");
        expect(replayed).toEqual(isReplayed ? ["aws/lambda/1"] : []);
        expect(failed.map(({ count, objects, fix }) => ({ count, objects, fix }))).toEqual(
          isReplayed
            ? []
            : [
                {
                  count: lost.last - lost.first + 1,
                  objects: ["aws/lambda/1"],
                  fix: ["weir replay --failed"],
                },
              ],
        );
      }),
      { numRuns: 200 },
    );
  });
});

test("lines that were rejected twice, since their batch came again in another size, may be filed anew twice", () => {
  const piece = { source: 0, from: 0, to: 50, rejected: 2 };
  const batch = { shard: 0, first: 1, last: 4, minute: 1, pieces: [piece] };
  const again = { ...batch, first: 2, last: 3, minute: 2 };
  const anew = (n: number): Named => {
    const named = commitOf({
      shard: n,
      first: 1,
      last: 1,
      minute: 3,
      pieces: [{ ...piece, to: 20, rejected: 0 }],
    });
    const { access } = named.commit.types;
    const consumed = [{ kind: "rejected" as const, type: "access", key: `rejected/${n}`, rows: 2 }];
    const types = { access: { ...access!, reparsed: 2 } };
    return { ...named, commit: { ...named.commit, origin: `reparse-${n}`, consumed, types } };
  };
  const findings = (...commits: readonly Named[]): string[] => {
    const audit = new Audit({ now: NOW });
    for (const one of found(commits)) audit.add(one);
    return audit.end().findings.map(({ kind }) => kind);
  };
  expect(findings(commitOf(batch), commitOf(again), anew(1), anew(2))).toEqual([]);
  expect(findings(commitOf(batch), anew(1), anew(2))).toEqual(["consumed"]);
});

test("a file that was told of before its first line was read is not behind once it is delivered under its id", () => {
  const host = hostOf(0);
  const audit = new Audit({ now: NOW });
  const beat = heartbeatOf(host, new Map([[0, 50]]), 1);
  const unread = { id: "provisional", read: 0, delivered: 0, state: "active", finalSize: null } as const;
  audit.tell({ ...beat, sources: beat.sources.map((source) => ({ ...source, ...unread })) }, at(1));
  const behind = (): string[] => audit.end().findings.map(({ kind }) => kind);
  expect(behind()).toEqual(["undelivered"]);

  const named = new Audit({ now: NOW });
  named.tell({ ...beat, sources: beat.sources.map((source) => ({ ...source, ...unread })) }, at(1));
  const piece = { source: 0, from: 0, to: 50 };
  const commit = commitOf({ shard: 0, first: 1, last: 1, minute: 2, pieces: [piece] });
  named.add({ ...commit, at: { segment: 1, index: 0 } });
  named.tell(heartbeatOf(host, new Map([[0, 50]]), 3), at(3));
  expect(named.end().findings).toEqual([]);
});

const failureOf = ({ shard, first, last, minute }: HistoryBatch): FailedBatch => ({
  key: "aws/lambda/1",
  shardId: `shardId-${String(shard).padStart(12, "0")}`,
  firstSequenceNumber: `${first}`,
  lastSequenceNumber: `${last}`,
  records: last - first + 1,
  arrivedFrom: at(minute).toISOString(),
  arrivedTo: at(minute).toISOString(),
});

describe("rejected lines that are filed anew", () => {
  /** Two stretches of a file, with rejected lines in both. */
  const pieces = (from: number): Piece[] => [{ source: 0, from, to: from + 100, rejected: 2 }];
  const batches = (gapAt: number): Named[] =>
    [0, gapAt].map((from, i) =>
      commitOf({ shard: 0, first: i + 1, last: i + 1, minute: i, pieces: pieces(from) }),
    );

  /** All of a batch's rejected lines are rows, and its ranges say where they are, about. */
  const refiled = ({ commit }: Named, ranges: [number, number][]): Named => {
    const { key, rows } = commit.objects.find(({ kind }) => kind === "rejected")!;
    const { firstSequenceNumber, lastSequenceNumber } = commit;
    const id = { origin: "reparse-0123456789abcdef", firstSequenceNumber, lastSequenceNumber };
    return {
      key: commitKey(at(30), id, "0123456789abcdef"),
      commit: {
        ...commit,
        ...id,
        batchId: batchName(id),
        records: 0,
        userRecords: 0,
        bytes: 0,
        objects: [{ kind: "data", type: "access", key: "data/again", bytes: 1, rows }],
        sources: commit.sources.map((source) => ({ ...source, ranges })),
        types: { access: { ...noLines(), lines: rows, rows, reparsed: rows } },
        consumed: [{ kind: "rejected", type: "access", key, rows }],
      },
    };
  };

  test("are counted where they are now, and once, and claim no bytes a second time", () => {
    const [first, second] = batches(100) as [Named, Named];
    // It stood for fewer bytes than it has: nobody knows any more.
    const again = refiled(first, [[20, 131]]);
    const all = [first, second, again, again];
    const result = audited(all, { sizes: new Map([[0, 200]]) });
    expect(result.findings).toEqual([]);
    const sum = { lines: 20, rows: 18, rejected: 2, againMost: 0 };
    expect(result.types).toMatchObject([{ type: "access", ...sum }]);
  });

  test("do not stand for bytes that never came", () => {
    const commits = batches(200);
    const gap = audited(commits, { sizes: new Map([[0, 300]]) }).findings;
    expect(gap).toHaveLength(1);
    const result = audited([...commits, refiled(commits[0]!, [[0, 300]])], { sizes: new Map([[0, 300]]) });
    expect(result.findings.map(({ kind, count }) => [kind, count])).toEqual(
      gap.map(({ kind, count }) => [kind, count]),
    );
  });
});

describe("what cannot be known is no alarm", () => {
  const piece = (from: number, to: number): Piece => ({ source: 0, from, to });
  const batchOf = (n: number, ...pieces: Piece[]): HistoryBatch => ({
    shard: 0,
    first: n,
    last: n,
    minute: n,
    pieces,
  });
  const run = (batches: readonly HistoryBatch[], options: Partial<AuditOptions>, size?: number) => {
    const audit = new Audit({ now: NOW, ...options });
    for (const one of found(batches.map(commitOf))) audit.add(one);
    if (size !== undefined) audit.tell(heartbeatOf("web-0", new Map([[0, size]]), 1_000), at(1_000));
    return { result: audit.end(), reports: [...audit.reports()] };
  };

  test("files that began, or were delivered, before the audit does", () => {
    const late = run([batchOf(1, piece(500, 600))], { beginsLate: true }, 600);
    expect(late.result.findings).toEqual([]);
    expect(late.reports).toMatchObject([{ whole: "proven", delivered: [[500, 600]] }]);
    const idle = run([], { beginsLate: true }, 600);
    expect(idle.result.findings).toEqual([]);
    expect(run([batchOf(1, piece(500, 600))], {}).result.findings).toMatchObject([
      { kind: "missing", count: 500 },
    ]);
  });

  test("files of hosts that send no heartbeats: where they end", () => {
    const { result, reports } = run([batchOf(1, piece(0, 100))], {});
    expect(result.balanced).toBe(true);
    expect(reports).toMatchObject([{ whole: "unknown", end: 100 }]);
    expect(result.hosts).toMatchObject([{ host: "web-0", state: "unknown" }]);
  });

  test("bytes between two that have just arrived, while another shard is behind", () => {
    const last = { ...batchOf(60, piece(200, 300)), shard: 1 };
    const batches = [{ ...batchOf(40), foreign: 1 }, { ...batchOf(50, piece(0, 100)), shard: 1 }, last];
    const { result, reports } = run(batches, { now: at(62) });
    expect(result.balanced).toBe(true);
    expect(reports).toMatchObject([{ pendingBytes: 100, missing: [] }]);
    expect(run(batches, { now: at(75) }).result.findings).toMatchObject([{ kind: "missing", count: 100 }]);
    // All shards are further: nothing can be on its way.
    const passed = run([...batches, { ...batchOf(61), foreign: 1 }], { now: at(62) });
    expect(passed.result.findings).toMatchObject([
      { kind: "missing", fix: [`weir replay --from ${at(49).toISOString()} --to ${at(61).toISOString()}`] },
    ]);
  });

  test("a host that went silent is at fault if it had more than it has delivered", () => {
    const beat = (size: number, delivered: number, stopping: boolean) => {
      const audit = new Audit({ now: NOW });
      for (const one of found([batchOf(1, piece(0, 100))].map(commitOf))) audit.add(one);
      const heartbeat = heartbeatOf("web-0", new Map([[0, delivered]]), 2);
      const [source] = heartbeat.sources;
      audit.tell(
        {
          ...heartbeat,
          agent: { ...heartbeat.agent, stopping },
          sources: [{ ...source!, size, state: "active", finalSize: null }],
        },
        at(2),
      );
      return audit.end();
    };
    expect(beat(100, 100, false)).toMatchObject({ findings: [], hosts: [{ state: "silent" }] });
    expect(beat(100, 100, true)).toMatchObject({ findings: [], hosts: [{ state: "stopped" }] });
    expect(beat(150, 100, false).findings).toMatchObject([
      { kind: "undelivered", subject: "web-0", count: 50 },
    ]);
    expect(beat(150, 130, false).findings).toMatchObject([
      { kind: "missing", count: 30 },
      { kind: "undelivered", count: 20 },
    ]);
  });

  test("very many files: those that are quiet are judged and put aside, and what comes later still fits on", () => {
    const many = Array.from({ length: 60 }, (_, n) =>
      batchOf(
        n + 1,
        { source: n, from: 0, to: 100 },
        ...(n === 7 ? [{ source: n, from: 200, to: 300 }] : []),
      ),
    );
    const again = batchOf(100, { source: 0, from: 100, to: 200 }, { source: 7, from: 300, to: 400 });
    const audit = new Audit({ now: NOW, maxSources: 10 });
    for (const one of found([...many, again].map(commitOf))) audit.add(one);
    const { findings } = audit.end();
    expect(findings).toMatchObject([{ kind: "missing", subject: `${hostOf(7)}:${pathOf(7)}`, count: 100 }]);
    expect([...audit.sources].length).toBeLessThanOrEqual(10);
    expect([...audit.reports()].length + audit.sources.settled).toBe(62);
  });
});

test("a source that several hosts claim, and one that another goes on from too late, are named", () => {
  const one = commitOf({ shard: 0, first: 1, last: 1, minute: 1, pieces: [{ source: 0, from: 0, to: 100 }] });
  const two = commitOf({
    shard: 0,
    first: 2,
    last: 2,
    minute: 2,
    pieces: [{ source: 0, from: 100, to: 200 }],
  });
  const cloned = changed(two, ({ sources }) => ({ sources: [{ ...sources[0]!, host: "web-9" }] }));
  const later = commitOf({
    shard: 0,
    first: 3,
    last: 3,
    minute: 3,
    pieces: [{ source: 2, from: 250, to: 300 }],
  });
  const moved = changed(later, ({ sources }) => ({
    sources: [
      {
        ...sources[0]!,
        gaps: [
          {
            from: 0,
            to: 250,
            reason: "earlier-identity",
            lines: 0,
            source: sources[0]!.id.replace("2", "0"),
          },
        ],
      },
    ],
  }));
  const { findings } = audited([one, cloned, moved], { sizes: new Map() });
  expect(findings).toMatchObject([
    { kind: "earlier-source", count: 50, subject: "web-0:/var/log/0.log" },
    { kind: "contested", subject: "web-0:/var/log/0.log", count: 2 },
  ]);
});

const changed = (named: Named, change: (commit: Commit) => Partial<Commit>): Named => ({
  ...named,
  commit: { ...named.commit, ...change(named.commit) },
});

test("a commit whose counts contradict one another is named, and one that cannot be read", () => {
  const good = commitOf({
    shard: 0,
    first: 1,
    last: 1,
    minute: 1,
    pieces: [{ source: 0, from: 0, to: 100 }],
  });
  const bad = changed(good, ({ objects }) => ({
    objects: objects.map((object) => ({ ...object, rows: 9 })),
  }));
  const audit = new Audit({ now: NOW });
  audit.add(bad);
  audit.add({ key: "commits/x.json", error: new Error("no JSON") });
  const { findings, balanced } = audit.end();
  expect(balanced).toBe(false);
  expect(findings).toMatchObject([
    {
      kind: "bad-commit",
      subject: bad.key,
      text: expect.stringContaining("10 rows of access, and its objects hold 9"),
    },
    { kind: "unreadable", objects: ["commits/x.json"] },
  ]);
});
