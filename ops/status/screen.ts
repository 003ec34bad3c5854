import { styleText } from "node:util";
import { printable } from "../access/text-table.ts";
import type { Section } from "./section.ts";

export interface ScreenOptions {
  readonly title: string;
  readonly now: Date;
  /** Of the terminal; lines are not cut where it is undefined. */
  readonly columns: number | undefined;
  readonly hasColours: boolean;
}

const NAME_COLUMNS = 8;

/** One screen: a headline for each part, what is not well in it, and what else there is to know. */
export function screenText(sections: readonly Section[], options: ScreenOptions): string {
  const { title, now, columns, hasColours } = options;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    hasColours ? styleText(style, text, { validateStream: false }) : text;
  const fit = (text: string, indent: number): string => cut(oneLine(text), columns, indent);
  const problems = sections.flatMap((section) => section.problems).length;
  const verdict = problems === 0 ? paint("green", "all is well") : paint("red", `${problems} not well`);
  const lines = [
    paint("bold", fit(title, 0)),
    `${now.toISOString().slice(0, 19).replace("T", " ")} UTC, ${verdict}`,
  ];
  for (const section of sections) {
    const name = section.title.padEnd(NAME_COLUMNS);
    lines.push("", `${paint("bold", name)}${fit(section.summary, NAME_COLUMNS)}`);
    for (const problem of section.problems) {
      for (const line of wrapped(oneLine(problem), columns, 4)) lines.push(paint("red", line));
    }
    for (const note of section.notes) lines.push(paint("dim", `    ${fit(note, 4)}`));
  }
  return lines.join("\n");
}

/** Hosts and files are called whatever they like, and a line of theirs is none of the screen's. */
const oneLine = (text: string): string => printable(text).replaceAll("\n", " ");

function cut(text: string, columns: number | undefined, indent: number): string {
  const room = columns === undefined ? Infinity : Math.max(20, columns - indent);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** What is wrong is never cut: it goes on below. */
function wrapped(text: string, columns: number | undefined, indent: number): string[] {
  const room = columns === undefined ? Infinity : Math.max(20, columns - indent);
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const space = rest.lastIndexOf(" ", room);
    const at = space > room / 2 ? space : room;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  lines.push(rest);
  return lines.map((line, i) => `${i === 0 ? "  ! " : "    "}${line}`);
}
