import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Commit, parseCommit } from "../../wire/commit.ts";
import { batchName, parseCommitKey } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { batch } from "../loader/lake-fixture.ts";

const { commit, commitKey } = batch({ sequence: [1, 5], sources: { a: [[0, 40]] }, foreign: [3] });

/** The commit as text, with these fields set or, where undefined, left out. */
const having = (fields: object): string => JSON.stringify({ ...commit, ...fields });

test("a commit is read as it was written", () => {
  expect(parseCommit(JSON.stringify(commit), commitKey)).toEqual(commit);
});

test("a commit of version 1 is read in the shape of version 2", () => {
  const file = new URL("../vectors/weir-lake-0.1.0.json", import.meta.url);
  const { objects } = JSON.parse(readFileSync(file, "utf8")) as { objects: Record<string, string> };
  const key = Object.keys(objects).find((key) => key.startsWith("commits/"))!;
  const read = parseCommit(Buffer.from(objects[key]!, "base64").toString(), key);
  const { writtenAt, digest, ...id } = parseCommitKey(key);
  expect([writtenAt, digest]).toEqual([new Date("2026-11-21T10:01:00Z"), undefined]);
  const { foreignRows, ...none } = { foreignRows: 0, filtered: 0, duplicates: 0, reparsed: 0 };
  expect(read).toMatchObject({
    version: 2,
    batchId: batchName(id),
    ...id,
    config: "",
    records: 4,
    userRecords: 7,
    quarantined: 1,
    sources: [
      { id: "ZGItMTIzNDU2", ranges: [[100, 133]], gaps: [{ from: 40, to: 100 }], conflicts: 0 },
      {
        id: "c291cmNlMQ3f",
        ranges: [
          [0, 78],
          [1_000, 1_080],
        ],
        gaps: [],
        conflicts: 0,
      },
    ],
    types: {
      _unrouted: { ...none, lines: 1, bytes: 9, rows: 0, rejected: 1, foreignRows },
      event: { ...none, lines: 5, bytes: 231, rows: 3, rejected: 1, duplicates: 1, foreignRows: 1 },
      raw: { ...none, lines: 4, bytes: 84, rows: 1, rejected: 0, filtered: 3, foreignRows },
    },
  });
  expect(read).not.toHaveProperty("shardId");
  expect(read.objects.map(({ key }) => key).sort()).toEqual(
    Object.keys(objects)
      .filter((name) => name !== key)
      .sort(),
  );
  // What is written of it again is a commit of version 2.
  expect(parseCommit(JSON.stringify(read), key)).toEqual(read);
});

test("fields that a later version adds are dropped, wherever they stand", () => {
  const [object, source] = [commit.objects[0]!, commit.sources[0]!];
  const later = having({
    version: 3,
    compaction: { level: 1 },
    objects: [{ ...object, sha256: "00" }],
    sources: [
      { ...source, gaps: [{ from: 40, to: 50, reason: "filtered", lines: 1, by: "x" }], labels: { a: 1 } },
    ],
    types: { photo: { ...commit.types["photo"], sampled: 1 } },
  });
  const gaps: Commit["sources"][number]["gaps"] = [{ from: 40, to: 50, reason: "filtered", lines: 1 }];
  expect(parseCommit(later, commitKey)).toEqual({ ...commit, version: 3, sources: [{ ...source, gaps }] });
});

test("a commit may name what it files anew", () => {
  const consumed = [
    { kind: "rejected", type: "photo", key: "rejected/type=photo/dt=2026-11-21/x.ndjson.zst", rows: 3 },
    { kind: "quarantine", type: "", key: "quarantine/dt=2026-11-21/x.ndjson.zst", rows: 1, shardId: "s" },
  ];
  expect(parseCommit(having({ consumed }), commitKey)).toEqual({ ...commit, consumed });
});

describe("what is no commit is refused by its key", () => {
  const source = commit.sources[0]!;
  test.each<[string, string]>([
    ["no JSON", "{"],
    ["null", "null"],
    ["a list", "[]"],
    ["a version that never was", having({ version: 0 })],
    ["a version in words", having({ version: "2" })],
    ["version 1 without a shard", having({ version: 1 })],
    ["no origin", having({ origin: undefined })],
    ["an origin nobody knows", having({ origin: "shard-1" })],
    ["a sequence number in hexadecimal", having({ firstSequenceNumber: "0x1" })],
    ["a fingerprint that is none", having({ config: "main" })],
    ["a day that no month has", having({ arrivedFrom: "2026-11-31T00:00:00Z" })],
    ["a time without a zone", having({ arrivedTo: "2026-11-21T00:00:00" })],
    ["half a record", having({ records: 0.5 })],
    ["fewer records than none", having({ quarantined: -1 })],
    ["more bytes than a number holds", having({ bytes: 2 ** 53 })],
    ["no sources", having({ sources: undefined })],
    ["sources by name", having({ sources: {} })],
    ["a range of three", having({ sources: [{ ...source, ranges: [[0, 1, 2]] }] })],
    ["a range of one", having({ sources: [{ ...source, ranges: [[0]] }] })],
    ["a range before the file", having({ sources: [{ ...source, ranges: [[-1, 2]] }] })],
    ["a range in words", having({ sources: [{ ...source, ranges: [["0", "2"]] }] })],
    ["a range by name", having({ sources: [{ ...source, ranges: [{ 0: 0, 1: 1, length: 2 }] }] })],
    [
      "a reason nobody gives",
      having({ sources: [{ ...source, gaps: [{ from: 0, to: 1, reason: "x", lines: 1 }] }] }),
    ],
    ["a source without conflicts", having({ sources: [{ ...source, conflicts: undefined }] })],
    ["an object of no kind", having({ objects: [{ ...commit.objects[0], kind: "rows" }] })],
    [
      "a count that is missing",
      having({ types: { photo: { ...commit.types["photo"], reparsed: undefined } } }),
    ],
    ["more than is read whole", having({ padding: "x".repeat(COMMIT_MAX_BYTES) })],
  ])("%s", (_what, text) => {
    expect(() => parseCommit(text, commitKey)).toThrow(commitKey);
    expect(() => parseCommit(text, commitKey)).toThrow(expect.objectContaining({ code: "BAD_COMMIT" }));
  });

  test("and the first field at fault", () => {
    const spoilt = having({ sources: [source, { ...source, ranges: [[0, 0.5]] }], bytes: 1 });
    expect(() => parseCommit(spoilt, commitKey)).toThrow(
      `${commitKey} is not a commit: sources[1].ranges: not pairs of offsets`,
    );
    const named = having({ types: { ["x".repeat(100_000)]: {} } });
    expect(() => parseCommit(named, commitKey)).toThrow(/^.{0,400}$/);
  });
});
