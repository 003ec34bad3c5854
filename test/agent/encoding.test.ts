import { appendFile, rename, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { LineFilter } from "../../agent/framing/line-filter.ts";
import { reportFile } from "../../agent/progress/heartbeats.ts";
import { Encoding } from "../../agent/framing/encoding.ts";
import { openRecord } from "../../lambdas/router/open-record.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { alphabet, TABLED, utf16be } from "./encode.ts";
import { bySource, type Event } from "./event.ts";
import { filterFile, type Kept } from "./filter-file.ts";
import { TailHarness } from "./tail-harness.ts";

const MAX_LINE_BYTES = 256;
const NO_FILTER = { include_lines: [], exclude_lines: [], mask: [] };

const utf8 = (text: string): string => Buffer.from(text, "latin1").toString("utf8");

function filterOf(encoding: string, settings: object = {}): LineFilter {
  return new LineFilter({ ...NO_FILTER, encoding, ...settings }, MAX_LINE_BYTES);
}

/** Offset after the last line, with every byte before it in a line or in a gap. */
function coveredTo(kept: readonly Kept[], from = 0): number {
  let end = from;
  for (const { offset, extent, gap } of kept) {
    expect(gap?.from ?? offset).toBe(end);
    end = offset + extent;
  }
  return end;
}

/** A way to write lines: their text with what stands for it. */
interface Script {
  readonly encoding: string;
  readonly characters: fc.Arbitrary<string>;
  readonly encode: (text: string) => Buffer;
}

const unicode = fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.replaceAll("\n", ""));

function tabled(encoding: string): Script {
  const table = alphabet(encoding);
  const characters = fc.array(fc.constantFrom(...table.keys()), { maxLength: 60 }).map((all) => all.join(""));
  return {
    encoding,
    characters,
    encode: (text) => Buffer.concat(Array.from(text, (character) => table.get(character)!)),
  };
}

const SCRIPTS: readonly Script[] = [
  ...TABLED.map(tabled),
  { encoding: "utf-8", characters: unicode, encode: (text) => Buffer.from(text) },
  { encoding: "utf-16le", characters: unicode, encode: (text) => Buffer.from(text, "utf16le") },
  { encoding: "utf-16be", characters: unicode, encode: utf16be },
];

describe.each(SCRIPTS)("of a file in $encoding", ({ encoding, characters, encode }) => {
  // What a file begins with is a byte order mark.
  const file = fc
    .array(characters, { minLength: 1, maxLength: 30 })
    .map(([first, ...others]) => [first!.replace(/^\ufeff+/, ""), ...others]);
  const lineFeed = encoding.startsWith("utf-") ? encode("\n") : Buffer.from("\n");
  const bytesOf = (lines: readonly string[]): Buffer =>
    Buffer.concat(lines.flatMap((line) => [encode(line), lineFeed]));

  test("every line is sent in UTF-8, with the extent that it has in the file, in whatever windows it is read", () => {
    fc.assert(
      fc.property(file, fc.integer({ min: MAX_LINE_BYTES + 3, max: 900 }), (lines, windowBytes) => {
        const bytes = bytesOf(lines);
        const filter = filterOf(encoding);
        const kept = filterFile(bytes, filter, windowBytes);
        expect(kept.map(({ text }) => utf8(text))).toEqual(lines);
        expect(kept.map(({ extent }) => extent)).toEqual(
          kept.map(({ text }) => encode(utf8(text)).length + lineFeed.length),
        );
        expect(coveredTo(kept)).toBe(bytes.length);
        expect(filter.counts.undecodable).toBe(0);
      }),
    );
  });

  test("read again from after any line, it gives the lines that follow", () => {
    fc.assert(
      fc.property(file, fc.nat(), (lines, stop) => {
        const bytes = bytesOf(lines);
        const whole = filterFile(bytes, filterOf(encoding), 500);
        const at = stop % whole.length;
        expect(filterFile(bytes, filterOf(encoding), 400, whole[at]!.after)).toEqual(whole.slice(at + 1));
      }),
    );
  });

  test("bytes at random are never fatal, and what is made of them does not depend on windows", () => {
    const noise = fc.uint8Array({ minLength: 1, maxLength: 1_500, size: "max" });
    fc.assert(
      fc.property(noise, fc.integer({ min: MAX_LINE_BYTES + 3, max: 900 }), (array, windowBytes) => {
        const bytes = Buffer.from(array);
        const kept = filterFile(bytes, filterOf(encoding), windowBytes);
        expect(kept).toEqual(filterFile(bytes, filterOf(encoding), 10_000));
        expect(coveredTo(kept)).toBeLessThanOrEqual(bytes.length);
        for (const { text } of kept) expect(text).not.toContain("\n");
      }),
    );
  });

  test("a line that is cut ends with a whole character, and what is over is a gap", () => {
    const text = characters.map((all) => all.replaceAll(/[\0\ufeff]/g, "")).filter((all) => all !== "");
    const long = fc.tuple(text, text).map(([first, rest]) => first + rest.repeat(MAX_LINE_BYTES));
    fc.assert(
      fc.property(long, (line) => {
        const encoded = encode(line);
        const filter = filterOf(encoding);
        const bytes = bytesOf([line, "A"]);
        const [cut, next] = filterFile(bytes, filter, 10_000);
        expect(line.startsWith(utf8(cut!.text))).toBe(true);
        expect(cut!.extent).toBeGreaterThan(MAX_LINE_BYTES - 4);
        expect(next).toMatchObject({
          offset: encoded.length + lineFeed.length,
          gap: { from: cut!.extent, reason: "too-long" },
        });
        expect(filter.counts.undecodable).toBe(0);
      }),
    );
  });
});

const VECTORS: readonly [encoding: string, hex: string, text: string][] = [
  ["latin1", "6e61ef766520806f", "naïve €o"],
  ["shift_jis", "93fa967b8cea20b1", "日本語 ｱ"],
  ["euc-jp", "c6fccbdcb8ec208eb1", "日本語 ｱ"],
  ["iso-2022-jp", "1b2442467c4b5c386c1b2842206f6b", "日本語 ok"],
  ["gb18030", "d6d0cec420a2e320", "中文 € "],
  ["gb18030", "9439da33", "💩"],
  ["big5", "a4a4a4e5", "中文"],
  ["euc-kr", "c7d1b1b9", "한국"],
  ["koi8-r", "d0d2c9d7c5d4", "привет"],
  ["utf-16be", "65e5672c3dd8d83d", "日本㷘\ufffd"],
];

test.each(VECTORS)("%s: %s is %s", (encoding, hex, text) => {
  expect(new Encoding(encoding).toUtf8(Buffer.from(hex, "hex")).toString()).toBe(text);
});

test("iso-2022-jp begins each line anew, though its characters are bytes of ASCII", () => {
  const line = Buffer.from("1b2442467c4b5c386c1b28420a", "hex");
  const kept = filterFile(Buffer.concat([line, Buffer.from("ok\n"), line]), filterOf("iso-2022-jp"), 300);
  expect(kept.map(({ text, offset }) => [utf8(text), offset])).toEqual([
    ["日本語", 0],
    ["ok", 13],
    ["日本語", 16],
  ]);
});

test.each([
  ["utf-8", "efbbbf"],
  ["utf-16le", "fffe"],
  ["utf-16be", "feff"],
] as const)("a byte order mark of %s is no text: it is a gap before the first line", (encoding, mark) => {
  const encode = {
    "utf-8": (t: string) => Buffer.from(t),
    "utf-16le": (t: string) => Buffer.from(t, "utf16le"),
    "utf-16be": utf16be,
  };
  const bytes = Buffer.concat([Buffer.from(mark, "hex"), encode[encoding]("one\n\ufefftwo\n")]);
  const bom = mark.length / 2;
  const kept = filterFile(bytes, filterOf(encoding, { include_lines: ["^one", "^\ufefftwo"] }), 600);
  expect(kept.map(({ text, offset, gap }) => [utf8(text), offset, gap])).toEqual([
    ["one", bom, { from: 0, reason: "skipped", lines: 0 }],
    ["\ufefftwo", bom + encode[encoding]("one\n").length, undefined],
  ]);
  expect(coveredTo(kept)).toBe(bytes.length);
});

test("characters of UTF-16 that hold the byte 0A end no line", () => {
  const text = "\u0a00\u000b\u0a0a\u0a0d\u010a\n\u0a05\n";
  for (const [encoding, bytes] of [
    ["utf-16le", Buffer.from(text, "utf16le")],
    ["utf-16be", utf16be(text)],
  ] as const)
    expect(filterFile(bytes, filterOf(encoding), 600).map((kept) => utf8(kept.text))).toEqual(
      text.split("\n").slice(0, -1),
    );
});

test("half a character at which a line had to end is sent as U+FFFD, and its other half is a gap", () => {
  const bytes = Buffer.from("one\ntwo\n", "utf16le");
  const filter = filterOf("utf-16le");
  const [first] = filterFile(bytes.subarray(0, 5), filter, 600);
  expect(first).toMatchObject({ text: Buffer.from("on\ufffd").toString("latin1"), offset: 0, extent: 5 });
  expect(filter.counts.undecodable).toBe(1);
  const rest = filterFile(bytes, filter, 600, first!.after);
  expect(rest.map(({ text, offset, gap }) => [text, offset, gap])).toEqual([
    ["", 6, { from: 5, reason: "unreadable", lines: 0 }],
    ["two", 8, undefined],
  ]);
});

test("a hole in UTF-16 is left out, and the line after it is whole", () => {
  for (const [encoding, line] of [
    ["utf-16le", Buffer.from("one\n", "utf16le")],
    ["utf-16be", utf16be("one\n")],
  ] as const) {
    const kept = filterFile(Buffer.concat([line, Buffer.alloc(300), line]), filterOf(encoding), 270);
    expect(kept.map(({ text, offset, gap }) => [text, offset, gap])).toEqual([
      ["one", 0, undefined],
      ["one", 308, { from: 8, reason: "unreadable", lines: 0 }],
    ]);
  }
});

test("bytes that are no character become U+FFFD and are counted; one that the file holds itself is not", () => {
  const filter = filterOf("euc-jp");
  const kept = filterFile(Buffer.from("6f6b0ac60aff410a", "hex"), filter, 300);
  expect(kept.map(({ text }) => utf8(text))).toEqual(["ok", "\ufffd", "\ufffdA"]);
  expect(filter.counts.undecodable).toBe(2);
  const own = filterOf("utf-16le");
  filterFile(Buffer.from("a\ufffdb\n", "utf16le"), own, 300);
  expect(own.counts.undecodable).toBe(0);
});

test("filters, masks and the first lines of events are asked of the converted text", () => {
  const settings = {
    multi_line: { start: "^(?:é|ß)", idle_ms: 10 },
    exclude_lines: ["geheimnißlos"],
    mask: [{ pattern: "naïve", with: "…" }],
  };
  const lines = "é naïve\n  at ü\nß geheimnißlos\nß fin\n";
  for (const [encoding, bytes] of [
    ["latin1", Buffer.from(lines, "latin1")],
    ["utf-16be", utf16be(lines)],
  ] as const) {
    const kept = filterFile(bytes, filterOf(encoding, settings), 600);
    expect(kept.map(({ text }) => utf8(text))).toEqual(["é …\n  at ü", "ß fin"]);
    expect(kept[1]!.gap).toMatchObject({ reason: "filtered", lines: 1 });
    expect(coveredTo(kept)).toBe(bytes.length);
  }
});

test("killed, stopped and rotated at any time, an agent gives every line of UTF-16 once, where it stands", async () => {
  await using tail = await TailHarness.make({ settings: { encoding: "utf-16le" }, glob: "*" });
  const lines = Array.from({ length: 600 }, (_, i) => `Zeile ${i} – ${"ß日".repeat(i % 7)}\u0a0a`);
  const bytes = Buffer.from(`\ufeff${lines.join("\n")}\n`, "utf16le");
  let written = 0;
  for (let round = 0; written < bytes.length; round++) {
    // Odd, so that writes end within characters.
    const end = Math.min(bytes.length, written + 501 + 2 * round);
    await appendFile(tail.path(round < 20 ? "a.log" : "a.log.1"), bytes.subarray(written, end));
    written = end;
    await tail.poll();
    if (round % 3 === 0) tail.acknowledge();
    if (round % 4 === 1) await tail.crash();
    if (round % 5 === 2) await tail.restart();
    if (round === 19) await rename(tail.path("a.log"), tail.path("a.log.1"));
  }
  const [events = [], ...others] = bySource(tail.events).values();
  expect(others).toEqual([]);
  expect(events.map(({ text }) => utf8(text))).toEqual(lines);
  let offset = 2;
  for (const { position } of events) {
    expect(position.offset).toBe(offset);
    offset += position.extent;
  }
  expect(offset).toBe(bytes.length);
});

const facts = ({ text, position: { offset, extent } }: Event): unknown[] => [utf8(text), offset, extent];

test("what the router reads of files in other encodings is UTF-8 that knows its bytes, through a restart", async () => {
  await using agent = await AgentFixture.make();
  const files = ["latin1", "utf-16le", "shift_jis"].map((encoding) => {
    return { tag: encoding, path: agent.path(`${encoding}.txt`), encoding };
  });
  await writeFile(agent.path("latin1.txt"), Buffer.from("é\nplain\n", "latin1"));
  await writeFile(agent.path("utf-16le.txt"), Buffer.from("\ufeffé\n日本\n", "utf16le"));
  await writeFile(agent.path("shift_jis.txt"), Buffer.from("93fa967b0a", "hex"));
  await agent.drain({ files });
  await appendFile(agent.path("latin1.txt"), Buffer.from("ü\nende", "latin1"));
  await appendFile(agent.path("utf-16le.txt"), Buffer.from("x\n", "utf16le"));
  await agent.drain({ files });
  const opened = agent.kinesis.records.flatMap((record, i) =>
    openRecord({ ...record, sequenceNumber: `${i}`, arrivedAt: new Date(0) }),
  );
  const events = opened.map(({ record, position }): Event => {
    const text = Buffer.from(record.data).toString("latin1");
    return { tag: record.partitionKey, position: position!, text };
  });
  const byTag = Map.groupBy(events, ({ tag }) => tag);
  expect(byTag.get("latin1")!.map(facts)).toEqual([
    ["é", 0, 2],
    ["plain", 2, 6],
    ["ü", 8, 2],
    ["ende", 10, 4],
  ]);
  expect(byTag.get("utf-16le")!.map(facts)).toEqual([
    ["é", 2, 4],
    ["日本", 6, 6],
    ["x", 12, 4],
  ]);
  expect(byTag.get("shift_jis")!.map(facts)).toEqual([["日本", 0, 5]]);
});

test("an event of several lines in UTF-16 ends when nothing is added to it", async () => {
  const settings = { encoding: "utf-16le", multi_line: { start: "^\\d", idle_ms: 2_000 } };
  await using tail = await TailHarness.make({ settings });
  await writeFile(tail.path("a.log"), Buffer.from("1 é\n  at b\n", "utf16le"));
  await tail.poll();
  tail.pass(2_000);
  await tail.poll();
  expect(tail.events.map(facts)).toEqual([["1 é\n  at b", 0, 22]]);
});

test("begun at its end, a file in UTF-16 gives the lines that come after it", async () => {
  await using tail = await TailHarness.make({ settings: { encoding: "utf-16be", start_at: "end" } });
  await writeFile(tail.path("whole.log"), utf16be("old\n"));
  await writeFile(tail.path("begun.log"), utf16be("old\nbegun"));
  await tail.poll();
  await appendFile(tail.path("whole.log"), utf16be("new\n"));
  await appendFile(tail.path("begun.log"), utf16be(" and ended\nnew\n"));
  await tail.poll();
  expect(tail.events.map(({ text }) => text)).toEqual(["new", "new"]);
});

test("UTF-16 that is not the one configured is told of, and not read", async () => {
  await using tail = await TailHarness.make({ settings: { encoding: "utf-16le" } });
  await writeFile(tail.path("a.log"), utf16be("\ufeffone\n"));
  await tail.poll();
  const error = expect.stringContaining('set encoding = "utf-16be" in its [[files]] entry; it is utf-16le');
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "error", read: 0, error }]);
});

test("a label that is not known is refused by name, as are lines too long to grow", () => {
  const issues = (settings: object): object[] => {
    const files = [{ tag: "t", path: "/var/log/x", ...settings }];
    const issues = agentConfigSchema.safeParse({ stream: "test", files }).error?.issues ?? [];
    return issues.map(({ path, message }) => [path.join("."), message]);
  };
  for (const encoding of ["utf-7", "utf-32le", "replacement", "x-user-defined", ""])
    expect(issues({ encoding })).toMatchObject([
      ["files.0.encoding", expect.stringContaining(`"${encoding}"`)],
    ]);
  const long = { max_line_bytes: 400_000 };
  expect(issues({ encoding: "latin1", ...long })).toMatchObject([
    ["files.0.max_line_bytes", expect.stringContaining("at most 344064")],
  ]);
  expect(issues({ encoding: "Shift-JIS" })).toEqual([]);
  expect(issues(long)).toEqual([]);
});
