import { appendFile, mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { type AgentConfig, agentConfigSchema } from "../../agent/config/config.ts";
import { LineFilter } from "../../agent/framing/line-filter.ts";
import { PathTag } from "../../agent/tail/files/path-tag.ts";
import { reportFile } from "../../agent/progress/heartbeats.ts";
import { interpolate } from "../../agent/config/interpolate.ts";
import { bySource, reassemble } from "./event.ts";
import { filterFile, type Kept } from "./filter-file.ts";
import { TailHarness } from "./tail-harness.ts";

const MAX_LINE_BYTES = 64;
const NO_FILTER = { include_lines: [], exclude_lines: [], mask: [] };

const content = fc
  .array(
    fc.constantFrom(
      "GET /health\n",
      "ERROR boom\n",
      "  at line\n",
      "\n",
      "info é\n",
      `${"x".repeat(80)}\n`,
      "\0",
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join("")));

const filter = fc
  .record({
    exclude_lines: fc.constantFrom([], ["^GET /health"], ["é"]),
    include_lines: fc.constantFrom([], ["ERROR|info"]),
    sample: fc.constantFrom(undefined, { keep: 0.5 }),
    multi_line: fc.constantFrom(undefined, { continuation: "^ ", idle_ms: 10 }),
  })
  .map((config) => new LineFilter({ ...NO_FILTER, ...config }, MAX_LINE_BYTES));

const facts = ({ text, offset, extent, gap }: Kept): object => ({ text, offset, extent, gap });

test("what is left out does not depend on the windows that a file is read in", () => {
  fc.assert(
    fc.property(content, filter, fc.integer({ min: 150, max: 900 }), (file, filter, windowBytes) => {
      const whole = filterFile(file, filter, file.length + 1);
      expect(filterFile(file, filter, windowBytes).map(facts)).toEqual(whole.map(facts));
    }),
  );
});

test("read again from any line that was kept, a file gives the same lines and the same gaps", () => {
  fc.assert(
    fc.property(content, filter, fc.nat(), (file, filter, stop) => {
      const whole = filterFile(file, filter, 200);
      fc.pre(whole.length > 0);
      const at = stop % whole.length;
      expect(filterFile(file, filter, 300, whole[at]!.after).map(facts)).toEqual(
        whole.slice(at + 1).map(facts),
      );
    }),
  );
});

test("kept lines and gaps cover a file, and every line is one or in one", () => {
  fc.assert(
    fc.property(content, fc.constantFrom(0, 0.3, 1), (file, keep) => {
      const config = { ...NO_FILTER, exclude_lines: ["health"], sample: { keep } };
      const whole = filterFile(
        Buffer.concat([file, Buffer.from("end\n")]),
        new LineFilter(config, 1_000),
        2_000,
      );
      let end = 0;
      let lines = 0;
      for (const { offset, extent, gap } of whole) {
        expect(gap?.from ?? offset).toBe(end);
        end = offset + extent;
        lines += 1 + (gap?.lines ?? 0);
      }
      if (keep === 1) expect(lines).toBe(`${file.toString("latin1")}end\n`.split("\n").length - 1);
    }),
  );
});

function configOf(toml: string): AgentConfig {
  return agentConfigSchema.parse(
    interpolate(
      parse(toml),
      () => undefined,
      (problem) => expect.fail(problem),
    ),
  );
}

async function follow(settings: object, run: (tail: TailHarness) => Promise<void>): Promise<void> {
  await using tail = await TailHarness.make({ settings });
  await run(tail);
}

const texts = (tail: TailHarness): string[] => tail.events.map(({ text }) => text);

test("lines that are excluded, or not included, are a gap with their number", async () => {
  await follow({ include_lines: ["ERROR", "WARN"], exclude_lines: ["ERROR known"] }, async (tail) => {
    await writeFile(tail.path("a.log"), "ok\nERROR known\nERROR new\nok\nWARN\n");
    await tail.poll();
    expect(tail.events.map(({ text, position: { offset, gap } }) => [text, offset, gap])).toEqual([
      ["ERROR new", 15, { from: 0, reason: "filtered", lines: 2 }],
      ["WARN", 28, { from: 25, reason: "filtered", lines: 1 }],
    ]);
  });
});

test("a filtered end is told by heartbeats, and is not read again after a restart", async () => {
  await follow({ exclude_lines: ["^no"] }, async (tail) => {
    await writeFile(tail.path("a.log"), "yes\nno\nno\n");
    await tail.poll();
    tail.acknowledge();
    const gap = { from: 4, reason: "filtered", lines: 2 };
    expect(tail.files.map(reportFile)).toMatchObject([{ read: 10, delivered: 4, gap }]);
    expect(tail.state.files).toMatchObject([{ resume: { offset: 10, gap } }]);
    await tail.restart();
    await appendFile(tail.path("a.log"), "no\nyes\n");
    await tail.poll();
    expect(tail.events[1]?.position).toMatchObject({ offset: 13, gap: { ...gap, lines: 3 } });
  });
});

test("a killed agent that samples states the same gaps again, and none that overlaps in part", async () => {
  await follow({ sample: { keep: 0.2 } }, async (tail) => {
    for (let round = 0; round < 30; round++) {
      const line = (i: number): string => `round ${round}, line ${i}\n`;
      await appendFile(tail.path("a.log"), Array.from({ length: 17 }, (_, i) => line(i)).join(""));
      await tail.poll();
      if (round % 3 === 0) tail.acknowledge();
      if (round % 4 === 1) await tail.crash();
      if (round % 5 === 2) await tail.restart();
    }
    const gaps = new Map<string, string>();
    for (const { position } of tail.events) {
      const { gap, offset } = position;
      if (gap === undefined) continue;
      expect(gap.reason).toBe("sampled");
      const said = JSON.stringify({ ...gap, to: offset });
      for (const key of [`from ${gap.from}`, `to ${offset}`]) {
        expect(gaps.get(key) ?? said).toBe(said);
        gaps.set(key, said);
      }
    }
    expect(gaps.size).toBeGreaterThan(50);
    const [events = []] = bySource(tail.events).values();
    reassemble(events);
    expect(events.length).toBeGreaterThan(50);
    expect(events.length).toBeLessThan(200);
  });
});

test("sampling by a field keeps all lines of a value or none", async () => {
  await follow({ sample: { keep: 0.5, by: "user=(\\w+)" } }, async (tail) => {
    const lines = Array.from({ length: 400 }, (_, i) => `${i} user=u${i % 40} x\n`);
    await writeFile(tail.path("a.log"), lines.join(""));
    await tail.poll();
    const byUser = Map.groupBy(texts(tail), (text) => /user=(\w+)/.exec(text)![1]);
    expect([...byUser.values()].every((of) => of.length === 10)).toBe(true);
    expect(byUser.size).toBeGreaterThan(8);
    expect(byUser.size).toBeLessThan(32);
  });
});

test("a masked line states the bytes it stands for, and no secret is sent", async () => {
  const mask = [{ pattern: "(password|tøken)=[^ ]+", with: "$1=…" }, { pattern: "\\d{4}-\\d{4}" }];
  await follow({ mask }, async (tail) => {
    const file = "a password=secret b\nplain\ntøken=hush 1234-5678\n";
    await writeFile(tail.path("a.log"), file);
    await tail.poll();
    const utf8 = texts(tail).map((text) => Buffer.from(text, "latin1").toString());
    expect(utf8).toEqual(["a password=… b", "plain", "tøken=… ***"]);
    expect(tail.events.map(({ position: { offset, extent } }) => [offset, extent])).toEqual([
      [0, 20],
      [20, 6],
      [26, Buffer.byteLength(file) - 26],
    ]);
  });
});

test("a condition may ask for several patterns, and case may be ignored", async () => {
  const settings = {
    include_lines: [{ all: ["(?i:error)", "db"] }],
    exclude_lines: [{ all: ["skip", "me"] }],
  };
  await follow(settings, async (tail) => {
    const lines = [
      "db ERROR",
      "Error web",
      "error db",
      "db",
      "db error skip",
      "me: db error skip",
      "end db error",
    ];
    await writeFile(tail.path("a.log"), `${lines.join("\n")}\n`);
    await tail.poll();
    expect(texts(tail)).toEqual(["db ERROR", "error db", "db error skip", "end db error"]);
  });
});

test("a pattern that may backtrack is asked of short lines alone, and what it may not leave out is sent", async () => {
  const settings = {
    include_lines: [{ backtracking: "b(?=c)" }],
    exclude_lines: [{ backtracking: "x(?!y)" }],
    mask: [{ pattern: { backtracking: "(?<=b)c" }, with: "-" }],
    max_line_bytes: 10_000,
  };
  await follow(settings, async (tail) => {
    const long = "x".repeat(5_000);
    await writeFile(tail.path("a.log"), `abc\nab\nbcx\nbcxy\n${long}\n`);
    await tail.poll();
    expect(texts(tail)).toEqual(["ab-", "b-xy", "***"]);
  });
});

test("a tag takes parts of the path, and a file keeps its own through a restart", async () => {
  await using tail = await TailHarness.make({ glob: "*/*.log", settings: { tag: "app.${1}.${2}" } });
  await mkdir(tail.path("web shop"));
  await writeFile(tail.path("web shop/error.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart();
  await appendFile(tail.path("web shop/error.log"), "two\n");
  await tail.poll();
  expect(tail.events.map(({ tag, text }) => [tag, text])).toEqual([
    ["app.web_shop.error", "one"],
    ["app.web_shop.error", "two"],
  ]);
  expect(new PathTag("x.${1}", ["/var/log/**/*.log"]).of("/var/log/a/b/c.log")).toBe("x.a_b");
});

test("files that were not changed for long are left alone until they change", async () => {
  await using tail = await TailHarness.make({ settings: { ignore_older_ms: 60_000 } });
  await writeFile(tail.path("a.log"), "old\n");
  const hourAgo = new Date(Date.now() - 3_600_000);
  await utimes(tail.path("a.log"), hourAgo, hourAgo);
  await tail.poll();
  expect(tail.files).toEqual([]);
  await appendFile(tail.path("a.log"), "new\n");
  await tail.poll();
  expect(tail.contents()).toEqual(["old\nnew\n"]);
});

test.each([
  ['include_lines = ["("]', "Unterminated group"],
  ['multi_line = { start = "a", continuation = "b" }', "takes either start or continuation"],
  [
    'include_lines = ["a", "ä(?=b)"]',
    "a lookahead at character 2, cannot be matched in linear time; { backtracking",
  ],
  ['exclude_lines = [{ all = ["a", "(b)\\\\1"] }]', "a backreference"],
  ['mask = [{ pattern = "(?<=key=)x" }]', "a lookbehind where matches are replaced"],
  ["sample = { keep = 2 }", "keep"],
  ['mask = [{ pattern = "a", with = "\\n" }]', "must not hold a line break"],
])("%s is refused", (setting, message) => {
  const toml = `stream = "s"\n[[files]]\ntag = "t"\npath = "/x"\n${setting}\n`;
  expect(() => configOf(toml)).toThrow(message);
});

test("the configuration in the documentation is one", async () => {
  const document = await readFile(new URL("../../docs/tailing.md", import.meta.url), "utf8");
  const [, toml = ""] = /```toml\n(.*?)```/s.exec(document) ?? [];
  const { files } = configOf(`stream = "s"\n${toml}`);
  expect(files).toMatchObject([{ tag: "app.${1}", multi_line: { start: "^\\d{4}-" } }]);
});
