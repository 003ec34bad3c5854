import { EventJoiner } from "../try/event-joiner.ts";
import type { FileLine } from "../try/read-lines.ts";
import type { Stretch } from "./sample.ts";
import { TIME_FORMS } from "./time-formats.ts";

/** How an agent is to join the lines of events that have several. */
export interface MultiLine {
  /** What the first line of an event begins with, as `multi_line.start` of the agent's configuration. */
  readonly start: string;
  /** Lines that go on with an event. */
  readonly continued: number;
}

/** What lines of stack traces begin with, and other texts of several lines. */
const CONTINUES = /^(?:[ \t]+\S|Caused by:|Suppressed:|Traceback |\.{3} \d+ more|---> )/;

const LEAST_SHARE = 0.002;
const STARTS_MIN = 0.2;

/** @returns undefined where every line is an event, as far as can be seen */
export function multiLineOf(stretches: readonly Stretch[]): MultiLine | undefined {
  const lines = stretches.flat().map(({ data }) => data.toString("utf8").replace(/\r$/, ""));
  const filled = lines.filter((line) => line.trim() !== "");
  const start = startOf(filled);
  if (start === undefined) return undefined;
  const pattern = new RegExp(start, "v");
  const others = filled.filter((line) => !pattern.test(line));
  const isText = others.filter((line) => CONTINUES.test(line)).length * 4 >= others.length;
  if (others.length < filled.length * LEAST_SHARE || !isText) return undefined;
  return { start, continued: others.length };
}

/** What enough lines begin with: a time, in brackets or not, or else no blank. */
function startOf(lines: readonly string[]): string | undefined {
  const least = Math.max(1, lines.length * STARTS_MIN);
  for (const { pattern } of TIME_FORMS) {
    for (const before of ["", String.raw`\[`]) {
      const start = `^${before}${pattern!}`;
      const begins = new RegExp(start, "v");
      if (lines.filter((line) => begins.test(line)).length >= least) return start;
    }
  }
  return lines.some((line) => CONTINUES.test(line)) ? String.raw`^\S` : undefined;
}

/** The events that an agent makes of lines; what goes on with no line before it in its stretch is left out. */
export function joined(stretches: readonly Stretch[], { start }: MultiLine): FileLine[] {
  const pattern = new RegExp(start, "v");
  const begins = (line: Buffer): boolean => pattern.test(line.toString("utf8"));
  return stretches.flatMap((stretch) => {
    const joiner = new EventJoiner(begins);
    const from = stretch.findIndex(({ data }) => begins(data));
    const events = stretch.slice(from < 0 ? stretch.length : from).map((line) => joiner.take(line));
    return [...events, joiner.end()].filter((event) => event !== undefined);
  });
}
