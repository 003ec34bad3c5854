import fc from "fast-check";
import { expect, test } from "vitest";
import { HEAD, type Line, LineFramer, type Resume, type Run } from "../../agent/framing/line-framer.ts";

const MAX_LINE_BYTES = 8;
/** As the tail reads: always more than the longest line. */
const WINDOW_BYTES = 12;

/** Few different bytes, so that line feeds, CRLF and runs over the limit are common. */
const content = fc
  .array(fc.constantFrom("\n", "\r\n", "a", "b", "long long line", "\xff", "\0"), { maxLength: 40 })
  .map((parts) => Buffer.from(parts.join(""), "latin1"));

/** How much of the file is there at each poll, as shares of what is left. */
const growth = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

interface Framed {
  readonly lines: readonly (Line & { readonly text: string })[];
  readonly framer: LineFramer;
}

/** Reads a file that grows, as the tail does: from the first byte not framed, a window at a time. */
function frameGrowing(
  file: Buffer,
  growth: readonly number[],
  isDrained: boolean,
  from: Resume = HEAD,
): Framed {
  const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES }, from);
  const lines: (Line & { text: string })[] = [];
  const read = (size: number, isEnd: boolean) => {
    for (let seen = -1; seen < size;) {
      const window = file.subarray(framer.offset, Math.min(size, framer.offset + WINDOW_BYTES));
      seen = framer.offset + window.length;
      framer.frame(window, isEnd && seen === size, (line) =>
        lines.push({ ...line, text: window.toString("latin1", line.start, line.end) }),
      );
    }
  };
  let size = from.offset;
  for (const share of growth) {
    size += Math.floor((file.length - size) * share);
    read(size, false);
  }
  read(file.length, false);
  if (isDrained) read(file.length, true);
  return { lines, framer };
}

/** What the lines are, said without windows. */
function expectedLines(file: Buffer): string[] {
  const lines = file.toString("latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => line.slice(0, MAX_LINE_BYTES));
}

test("how a file grows never changes its lines", () => {
  fc.assert(
    fc.property(content, growth, (file, growth) => {
      const { lines, framer } = frameGrowing(file, growth, true);
      expect(lines.map(({ text }) => text)).toEqual(expectedLines(file));
      expect(framer.offset).toBe(file.length);
    }),
  );
});

test("lines and gaps cover every byte exactly once", () => {
  fc.assert(
    fc.property(content, growth, fc.boolean(), (file, growth, isDrained) => {
      const { lines, framer } = frameGrowing(file, growth, isDrained);
      let end = 0;
      for (const { offset, extent, gap, text } of lines) {
        expect(gap?.from ?? offset).toBe(end);
        expect(file.toString("latin1", offset, offset + text.length)).toBe(text);
        if (extent !== text.length) expect(file[offset + text.length]).toBe(10);
        end = offset + extent;
      }
      expect(framer.gap?.from ?? framer.offset).toBe(end);
    }),
  );
});

test("framing resumes after any line as if it had never stopped", () => {
  fc.assert(
    fc.property(content, growth, fc.nat(), (file, growth, stop) => {
      const { lines } = frameGrowing(file, growth, true);
      fc.pre(lines.length > 0);
      const at = stop % lines.length;
      const { offset, extent, standing } = lines[at]!;
      const end = offset + extent;
      const gap = standing === "cut" ? ({ from: end, reason: "too-long", lines: 0 } as const) : undefined;
      const resumed = frameGrowing(file, [], true, { offset: end, standing, gap });
      const facts = ({ offset, extent, gap, text }: Framed["lines"][number]) => ({
        offset,
        extent,
        gap,
        text,
      });
      expect(resumed.lines.map(facts)).toEqual(lines.slice(at + 1).map(facts));
    }),
  );
});

test("runs hold the lines that framing one by one gives, in the same places", () => {
  const resume = fc.constantFrom<Resume>(
    HEAD,
    { offset: 0, standing: "open", gap: undefined },
    { offset: 0, standing: "cut", gap: { from: 0, reason: "too-long", lines: 0 } },
  );
  fc.assert(
    fc.property(fc.array(content, { maxLength: 4 }), resume, fc.boolean(), (windows, from, isDrained) => {
      const simple = new LineFramer({ maxLineBytes: MAX_LINE_BYTES }, from);
      const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES }, from);
      for (const window of windows) {
        const lines: Line[] = [];
        const inRuns: Line[] = [];
        const done = simple.frame(window, isDrained, (line) => lines.push(line));
        const doneInRuns = framer.frameRuns(window, isDrained, (run) => inRuns.push(...linesOf(window, run)));
        expect([doneInRuns, inRuns, framer.offset, framer.gap]).toEqual([
          done,
          lines,
          simple.offset,
          simple.gap,
        ]);
      }
    }),
    { numRuns: 1_000 },
  );
});

/** What a run is, said with a split. */
function linesOf(window: Buffer, run: Run): Line[] {
  const texts = window.toString("latin1", run.start, run.end).split("\n");
  let { start, gap } = run;
  return texts.map((text, i) => {
    const end = start + text.length;
    const isLast = i === texts.length - 1;
    const extent = isLast ? run.extent - (start - run.start) : text.length + 1;
    const line = { ...run, start, end, offset: run.offset + start - run.start, extent, gap };
    start = end + 1;
    gap = undefined;
    return line;
  });
}

test("a line feed after a line that was sent without it is no empty line", () => {
  const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES }, HEAD);
  const lines: Line[] = [];
  framer.frame(Buffer.from("a"), true, (line) => lines.push(line));
  framer.frame(Buffer.from("\n\nb\n"), false, (line) => lines.push(line));
  expect(lines.map(({ offset, extent, gap }) => [offset, extent, gap])).toEqual([
    [0, 1, undefined],
    [2, 1, { from: 1, reason: "skipped", lines: 0 }],
    [3, 2, undefined],
  ]);
});
