import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { AggregateBuilder, type UserRecord } from "../../wire/aggregate.ts";
import { deaggregate } from "../../wire/deaggregate.ts";
import { deflate, openEnvelope } from "../../wire/envelope.ts";
import {
  type Gap,
  GAP_REASONS,
  type Position,
  ProvenanceReader,
  ProvenanceWriter,
  type Source,
} from "../../wire/provenance.ts";
import { WireError } from "../../wire/wire-error.ts";

interface Event {
  tag: string;
  data: Buffer;
  position: Position;
}

/** Packs events into aggregates, a new one every `perAggregate` events. */
function pack(events: readonly Event[], perAggregate: number): Buffer[] {
  const aggregates: Buffer[] = [];
  for (let i = 0; i < events.length; i += perAggregate) {
    const builder = new AggregateBuilder(64);
    const provenance = new ProvenanceWriter();
    for (const { tag, data, position } of events.slice(i, i + perAggregate)) {
      builder.add(tag, data, provenance.tags(position, data.length));
      provenance.wrote(position);
    }
    aggregates.push(builder.finish("0"));
  }
  return aggregates;
}

function unpack(aggregate: Buffer): Event[] {
  const provenance = new ProvenanceReader();
  return deaggregate(aggregate).map((record) => ({
    tag: record.partitionKey,
    data: Buffer.from(record.data),
    position: provenance.position(record)!,
  }));
}

const sources: Source[] = [
  { id: "c291cmNlMQ", host: "web-1", path: "/var/log/access.log" },
  { id: "c291cmNlMg", host: "web-1", path: "/var/log/ログ.log" },
];

/** What test/vectors/weir-aggregate.hex holds. */
const golden: Event[] = [
  { tag: "access", data: Buffer.from("GET /a"), position: at(0, 0, 7) },
  { tag: "access", data: Buffer.from("GET /b"), position: at(0, 7, 7) },
  {
    tag: "photo",
    data: Buffer.from('{"id":1}'),
    position: at(1, 4_096, 9, { from: 4_000, reason: "filtered", lines: 3 }),
  },
  { tag: "photo", data: Buffer.from('{"id":2}'), position: at(1, 4_105, 8) },
];

function at(source: 0 | 1, offset: number, extent: number, gap?: Position["gap"]): Position {
  return { source: sources[source]!, offset, extent, gap };
}

/** A gap of bytes that were delivered as another source. */
function joinedAt(from: number, source: string): Gap {
  return { from, reason: "earlier-identity", lines: 0, source };
}

/** Events of two interleaved sources: regular lines, cut or masked lines, and gaps. */
const events = fc
  .array(
    fc.record({
      source: fc.nat(1),
      data: fc.uint8Array({ maxLength: 50 }),
      extent: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
      gap: fc.option(
        fc.record({ bytes: fc.nat(10_000), reason: fc.constantFrom(...GAP_REASONS), lines: fc.nat(9) }),
        { nil: undefined },
      ),
      earlier: fc.option(fc.record({ bytes: fc.nat(10_000), source: fc.constantFrom("b2xk", "bzI-_") }), {
        nil: undefined,
      }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    const next = [0, 0];
    return steps.map(({ source, data, extent, gap, earlier }): Event => {
      const joined = earlier && joinedAt(next[source]!, earlier.source);
      const from = next[source]! + (earlier?.bytes ?? 0);
      const left = gap && gap.reason !== "earlier-identity" ? gap : undefined;
      const offset = from + (left?.bytes ?? 0);
      const position = {
        source: sources[source]!,
        offset,
        extent: extent ?? data.length + 1,
        gap: left
          ? {
              from,
              reason: left.reason,
              lines: Math.min(left.lines, left.bytes),
              ...(joined && { before: joined }),
            }
          : joined,
      };
      next[source] = offset + position.extent;
      return { tag: source === 0 ? "access" : "photo", data: Buffer.from(data), position };
    });
  });

describe("provenance", () => {
  test("of any events in any division into aggregates comes back identical, with offsets", () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 20 }), (input, perAggregate) => {
        expect(pack(input, perAggregate).flatMap(unpack)).toEqual(input);
      }),
    );
  });

  test("costs no tag on the lines that continue a run", () => {
    const lines = Array.from({ length: 100 }, (_, i): Event => {
      const position = { source: sources[0]!, offset: i * 6, extent: 6, gap: undefined };
      return { tag: "access", data: Buffer.from("GET /"), position };
    });
    const tagged = deaggregate(pack(lines, 100)[0]!).filter((record) => record.tags.length > 0);
    expect(tagged).toHaveLength(1);
  });

  test("is absent from records of other producers", () => {
    const reader = new ProvenanceReader();
    expect(reader.position(recordWith([]))).toBeUndefined();
  });

  test("as it is in the field reads as it was meant", () => {
    const file = new URL("../vectors/weir-aggregate.hex", import.meta.url);
    expect(unpack(Buffer.from(readFileSync(file, "utf8").trim(), "hex"))).toEqual(golden);
    expect(pack(golden, 10)[0]!.toString("hex")).toBe(readFileSync(file, "utf8").trim());
  });

  test.each([
    ["a source without host and path", [["@", "s:0"]]],
    [
      "an offset that is no number",
      [
        ["@", "s:x"],
        ["h", "h"],
        ["p", "p"],
      ],
    ],
    [
      "an offset above 2^53",
      [
        ["@", "s:9007199254740993"],
        ["h", "h"],
        ["p", "p"],
      ],
    ],
    [
      "an empty source id",
      [
        ["@", ":0"],
        ["h", "h"],
        ["p", "p"],
      ],
    ],
    [
      "an extent that is no number",
      [
        ["@", "s:0"],
        ["h", "h"],
        ["p", "p"],
        ["+", "-1"],
      ],
    ],
    [
      "an extent of no bytes, which no range would hold",
      [
        ["@", "s:0"],
        ["h", "h"],
        ["p", "p"],
        ["+", "0"],
      ],
    ],
    [
      "an extent longer than any file",
      [
        ["@", "s:0"],
        ["h", "h"],
        ["p", "p"],
        ["+", `${2 ** 46 + 1}`],
      ],
    ],
    [
      "a gap longer than any file",
      [
        ["@", `s:${2 ** 46 + 2}`],
        ["h", "h"],
        ["p", "p"],
        ["-", "1:filtered:1"],
      ],
    ],
    [
      "a gap of more lines than bytes",
      [
        ["@", "s:10"],
        ["h", "h"],
        ["p", "p"],
        ["-", "5:filtered:6"],
      ],
    ],
    [
      "a host name with a line feed",
      [
        ["@", "s:0"],
        ["h", "web\n1"],
        ["p", "p"],
      ],
    ],
    [
      "a host name longer than its column",
      [
        ["@", "s:0"],
        ["h", "é".repeat(128)],
        ["p", "p"],
      ],
    ],
    [
      "a path longer than a system's",
      [
        ["@", "s:0"],
        ["h", "h"],
        ["p", "p".repeat(4_097)],
      ],
    ],
    [
      "a path with a zero byte",
      [
        ["@", "s:0"],
        ["h", "h"],
        ["p", "a\0b"],
      ],
    ],
    [
      "a gap that begins after its record",
      [
        ["@", "s:5"],
        ["h", "h"],
        ["p", "p"],
        ["-", "6:filtered:1"],
      ],
    ],
    [
      "a gap for an unknown reason",
      [
        ["@", "s:5"],
        ["h", "h"],
        ["p", "p"],
        ["-", "1:because:1"],
      ],
    ],
    [
      "a gap that names a source and is not of an earlier identity",
      [
        ["@", "s:5"],
        ["h", "h"],
        ["p", "p"],
        ["-", "1:filtered:1:old"],
      ],
    ],
    [
      "two gaps that meet, of which the first left bytes out",
      [
        ["@", "s:5"],
        ["h", "h"],
        ["p", "p"],
        ["-", "1:filtered:1"],
        ["-", "3:sampled:1"],
      ],
    ],
    [
      "three gaps that meet",
      [
        ["@", "s:5"],
        ["h", "h"],
        ["p", "p"],
        ["-", "1:earlier-identity:0:old"],
        ["-", "3:sampled:1"],
        ["-", "4:sampled:1"],
      ],
    ],
    [
      "a gap that begins before the one it follows",
      [
        ["@", "s:5"],
        ["h", "h"],
        ["p", "p"],
        ["-", "3:earlier-identity:0:old"],
        ["-", "2:sampled:1"],
      ],
    ],
    [
      "an end above 2^53",
      [
        ["@", "s:9007199254740991"],
        ["h", "h"],
        ["p", "p"],
      ],
    ],
  ])("with %s is refused", (_claim, tags) => {
    const read = () => new ProvenanceReader().position(recordWith(tags as [string, string][]));
    expect(read).toThrow(expect.objectContaining({ name: "WireError", code: "PROVENANCE" }));
  });
});

describe("what an aggregate says of its sources", () => {
  const path = `/var/log/${"x".repeat(100)}`;
  const other = (i: number): Source => ({ id: `s${i}`, host: "web-1", path });

  /** Positions that each begin a range of their own. */
  const scattered: Readonly<Record<string, (i: number) => Position>> = {
    "new sources": (i) => ({ source: other(i), offset: 0, extent: 1, gap: undefined }),
    ranges: (i) => ({ source: other(0), offset: i * 2, extent: 1, gap: undefined }),
    gaps: (i) => ({
      source: other(0),
      offset: i * 2 + 1,
      extent: 1,
      gap: { from: i * 2, reason: "filtered", lines: 1 },
    }),
  };

  test.each(Object.keys(scattered))("has a limit, as the writer knows: %s", (what) => {
    const writer = new ProvenanceWriter();
    const records: UserRecord[] = [];
    const add = (position: Position): void => {
      records.push({ ...recordWith([]), data: Buffer.alloc(0), tags: writer.tags(position, 0) });
      writer.wrote(position);
    };
    let i = 0;
    for (; writer.hasRoomFor(scattered[what]!(i)); i++) add(scattered[what]!(i));
    const reader = new ProvenanceReader();
    for (const record of records) reader.position(record);
    expect(i).toBeGreaterThan(1_000);

    add(scattered[what]!(i));
    expect(() => reader.position(records.at(-1)!)).toThrow(
      expect.objectContaining({ code: "TOO_MANY_PARTS" }),
    );
  });

  test("has no limit on lines that go on where the one before ends", () => {
    const writer = new ProvenanceWriter();
    for (let i = 0; i < 200_000; i++) {
      const position = { source: other(0), offset: i, extent: 1, gap: undefined };
      expect(writer.hasRoomFor(position)).toBe(true);
      writer.wrote(position);
    }
  });
});

describe("an envelope", () => {
  const aggregate = pack(golden, 10)[0]!;

  test("holds the same user records plain and as zstd", () => {
    const plain = openEnvelope(aggregate, "7");
    const packed = openEnvelope(deflate(aggregate), "7");
    expect(plain.kind).toBe("aggregate");
    expect(packed.userRecords.map((r) => Buffer.from(r.data))).toEqual(
      plain.userRecords.map((r) => Buffer.from(r.data)),
    );
  });

  test("of anything else is one plain record under its own partition key", () => {
    const data = Buffer.from('{"tag":"photo"}');
    expect(openEnvelope(data, "photo")).toMatchObject({
      kind: "plain",
      userRecords: [{ partitionKey: "photo", data }],
    });
  });

  test.each([200_000, 65 * 2 ** 20])(
    "that unpacks to %d bytes from next to none is refused before it does",
    (size) => {
      const bomb = deflate(Buffer.alloc(size));
      expect(bomb.length).toBeLessThan(10_000);
      expect(() => openEnvelope(bomb, "7")).toThrow(expect.objectContaining({ code: "INFLATED_TOO_LARGE" }));
    },
  );

  test("that is cut is refused", () => {
    const frame = deflate(aggregate);
    for (let length = 4; length < frame.length; length += 7) {
      expect(() => openEnvelope(frame.subarray(0, length), "7")).toThrow(WireError);
    }
  });
});

function recordWith(tags: [string, string][]): UserRecord {
  return {
    partitionKey: "access",
    explicitHashKey: undefined,
    data: Buffer.from("GET /"),
    tags: tags.map(([key, value]) => ({ key, value })),
  };
}

describe("labels of a host", () => {
  const tagsOf = (labels: Record<string, string>) => new ProvenanceWriter(labels).tags(at(0, 0, 7), 6);
  const readTags = (tags: readonly { key: string; value?: string | undefined }[]) =>
    new ProvenanceReader().position({
      partitionKey: "t",
      explicitHashKey: undefined,
      data: Buffer.from("GET /a"),
      tags,
    } as UserRecord);

  test("are stated with each source of an aggregate, and come back as they were", () => {
    const labels = { stage: "prod", zone: "eu-west-1a", "a=b": "", é: "" };
    const good = { stage: "prod", zone: "a=b, c", team_2: "" };
    expect(readTags(tagsOf(good))!.source).toEqual({ ...sources[0], labels: good });
    expect(() => readTags(tagsOf(labels))).toThrow(WireError);
    const writer = new ProvenanceWriter(good);
    const first = at(0, 0, 7);
    writer.wrote(first);
    expect(writer.tags(at(0, 100, 7), 6).map(({ key }) => key)).toEqual(["@"]);
    expect(writer.tags(at(1, 0, 7), 6).filter(({ key }) => key === "l")).toHaveLength(3);
  });

  test.each([
    ["of no name", "=x"],
    ["without a value", "stage"],
    ["of a name that a field could not have", "a.b=x"],
    ["with a control character", "a=\u001b[31m"],
    ["that is too long", `a=${"x".repeat(257)}`],
  ])("%s are refused", (_, value) => {
    expect(() => readTags([...tagsOf({}), { key: "l", value }])).toThrow("no label of any system");
  });

  test("are at most 32", () => {
    const labels = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, "x"]));
    expect(() => readTags(tagsOf(labels))).toThrow("more labels of a host than 32");
  });
});
