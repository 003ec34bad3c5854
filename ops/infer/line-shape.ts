import { TIME_FORMS } from "./time-formats.ts";

/**
 * The shape that lines of text have in common, as a regular expression: a header of time, level, names in brackets and the
 * like, and behind it the message.
 */

type Kind = "time" | "level" | "bracket" | "number" | "word" | "space" | "mark";

interface Part {
  readonly kind: Kind;
  /** What has to be equal for two lines to have the same part. */
  readonly key: string;
  readonly text: string;
}

const LEVEL =
  /^(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|CRIT(?:ICAL)?|ALERT|EMERG|FATAL|SEVERE|FINE(?:R|ST)?|CONFIG|LOG|PANIC|[DIWEFV](?= ))\b/iv;
const TIMES = TIME_FORMS.map(({ pattern }) => new RegExp(`^${pattern!}`, "v"));
const NUMBER = /^\d+(?![\w.:\-])/v;
const WORD = /^[^\s:\[\]\(\),;\|"=][^\s\[\]\(\),;\|"=]*?(?=:?(?:\s|$)|[\[\],;\|"=\(\)])/v;

/** What stands between names by itself. */
const MARKS = /^[\-=\|>~*#]{2,}(?=\s)/v;

const HEADER_CHARS = 400;
const PARTS_MAX = 40;

/** The parts of a line's header. What begins the message looks like one too: what lines have in common decides. */
function partsOf(line: string): Part[] {
  const parts: Part[] = [];
  const header = line.slice(0, HEADER_CHARS);
  for (let at = 0; at < header.length && parts.length < PARTS_MAX;) {
    const part = partAt(header.slice(at), parts.at(-1));
    parts.push(part);
    at += part.text.length;
  }
  return parts;
}

function partAt(rest: string, before: Part | undefined): Part {
  const isAtWord = before === undefined || before.kind === "space" || before.kind === "mark";
  if (isAtWord) {
    const time = TIMES.findIndex((pattern) => pattern.test(rest));
    if (time >= 0)
      return { kind: "time", key: `time ${TIME_FORMS[time]!.pattern}`, text: TIMES[time]!.exec(rest)![0] };
    const level = LEVEL.exec(rest)?.[0];
    if (level !== undefined) return { kind: "level", key: "level", text: level };
  }
  const space = /^[ \t]+/.exec(rest)?.[0];
  if (space !== undefined) return { kind: "space", key: "space", text: space };
  if (rest.startsWith("[") && !TIMES.some((pattern) => pattern.test(rest.slice(1)))) {
    const end = closingBracket(rest);
    if (end > 0) return { kind: "bracket", key: "bracket", text: rest.slice(0, end + 1) };
  }
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined && isAtWord) return { kind: "number", key: "number", text: number };
  const word = MARKS.test(rest) ? undefined : WORD.exec(rest)?.[0];
  if (word !== undefined && word !== "-") return { kind: "word", key: "word", text: word };
  const mark = MARKS.exec(rest)?.[0] ?? String.fromCodePoint(rest.codePointAt(0)!);
  return { kind: "mark", key: `mark ${mark}`, text: mark };
}

/** Brackets may hold brackets. */
function closingBracket(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "[") depth++;
    if (text[i] === "]" && --depth === 0) return i;
  }
  return text.indexOf("]");
}

/** A shape: the regular expression, and how many of the lines have it. */
export interface LineShape {
  readonly pattern: string;
  /** Of the message and all before it. */
  readonly fields: readonly string[];
}

/** Lines that may have another header, of a hundred. */
const COMMON = 0.985;

/** Lines that are looked at. */
const LINES_MAX = 2_000;

/** @returns undefined where lines begin with no time, level or name in brackets in common */
export function lineShape(lines: readonly string[]): LineShape | undefined {
  const every = Math.ceil(lines.length / LINES_MAX);
  const all = lines.filter((_, i) => i % every === 0).map(partsOf);
  const header = commonParts(all);
  return header.some(isFirm)
    ? new Shape(header).build()
    : timeWithin(lines.filter((_, i) => i % every === 0));
}

/** Where a time may stand in a line whose beginning is not understood. */
const PREFIX_CHARS = 100;

/** Lines that have a time, whatever stands before it. */
function timeWithin(lines: readonly string[]): LineShape | undefined {
  const form = TIME_FORMS.find(({ pattern }) => {
    const time = new RegExp(`(?<![\\d\\/])${pattern!}`, "v");
    const having = lines.filter((line) => time.test(line.slice(0, PREFIX_CHARS)));
    return having.length >= lines.length * COMMON;
  });
  if (!form) return undefined;
  const pattern = String.raw`^(?<prefix>.*?)(?<time>${form.pattern!})[ \t]*(?<message>[\s\S]*)$`;
  return { pattern, fields: ["prefix", "time", "message"] };
}

/** The parts of the header, each with the texts that the lines have for it. */
interface CommonPart {
  readonly kind: Kind;
  readonly key: string;
  readonly texts: readonly string[];
}

function commonParts(all: readonly (readonly Part[])[]): CommonPart[] {
  let left = [...all];
  const header: CommonPart[] = [];
  for (let i = 0; i < PARTS_MAX; i++) {
    const counts = Map.groupBy(left, (parts) => parts[i]?.key ?? "");
    const [key, having] = [...counts].sort(([, a], [, b]) => b.length - a.length)[0] ?? ["", []];
    if (key === "" || having.length < all.length * COMMON) break;
    left = having;
    header.push({ kind: having[0]![i]!.kind, key, texts: having.map((parts) => parts[i]!.text) });
  }
  return header.slice(0, headerLength(header));
}

/**
 * Where the message begins: behind a ": " or " - " that no further part of a header follows, or before the first word
 * that no such mark follows. Messages begin alike as well.
 */
function headerLength(header: readonly CommonPart[]): number {
  for (let i = 0; i < header.length; i++) {
    const [part, next] = [header[i]!, header[i + 1]];
    if (part.kind === "word" && !isMarked(header, i)) return i;
    if (part.kind === "number" && !header.slice(0, i).some(isFirm)) return i;
    const mayEnd = part.kind === "mark" && DIVIDES.test(part.key) && next?.kind === "space";
    if (mayEnd && !goesOn(header, i + 2)) return i + 2;
  }
  return header.length;
}

const DIVIDES = /[:|-]$/;

const isFirm = ({ kind }: CommonPart): boolean => kind === "time" || kind === "level" || kind === "bracket";

/** Whether what stands there is still a header's. */
function goesOn(header: readonly CommonPart[], i: number): boolean {
  const part = header[i];
  if (part === undefined) return false;
  return isFirm(part) || part.kind === "number" || (part.kind === "word" && isMarked(header, i));
}

/** Whether a mark that divides follows a word, a space between them or not. */
function isMarked(header: readonly CommonPart[], i: number): boolean {
  const [next, after] = [header[i + 1], header[i + 2]];
  const mark = next?.kind === "space" ? after : next;
  return mark?.kind === "mark" && DIVIDES.test(mark.key);
}

class Shape {
  readonly #header: readonly CommonPart[];
  readonly #fields: string[] = [];

  constructor(header: readonly CommonPart[]) {
    this.#header = header;
  }

  build(): LineShape {
    const parts = this.#header.map((part, i) => this.#part(part, i));
    const last = this.#header.at(-1);
    // A message of blanks may follow a header that ends the line.
    const joint = last?.kind === "space" || last === undefined ? "" : String.raw`[ \t]*`;
    const pattern = `^${parts.join("")}${joint}${this.#group("message", String.raw`[\s\S]*`)}$`;
    return { pattern, fields: this.#fields };
  }

  #part(part: CommonPart, i: number): string {
    const { kind, key, texts } = part;
    if (kind === "time") return this.#group("time", key.slice("time ".length));
    if (kind === "number") return this.#group("number", String.raw`\d+`);
    if (kind === "mark") return escaped(key.slice("mark ".length));
    if (kind === "word") return this.#word(texts);
    if (kind === "level") return this.#group("level", "[A-Za-z]+");
    const isLast = i === this.#header.length - 1;
    if (kind === "bracket")
      return this.#bracket(
        texts.map((text) => text.slice(1, -1)),
        isLast,
      );
    if (isLast) return String.raw`[ \t]*`;
    return texts.every((text) => text === " ") ? " " : String.raw`[ \t]+`;
  }

  #word(texts: readonly string[]): string {
    const letters = String.raw`[^\s:\[\]\(\),;\|"=]+`;
    const more = texts.some((text) => text.includes(":")) ? `(?::${letters})*` : "";
    return this.#group(texts.some((text) => /\w\.\w/.test(text)) ? "logger" : "name", letters + more);
  }

  #bracket(inside: readonly string[], isLast: boolean): string {
    const before = inside.some((text) => text.startsWith(" ")) ? " *" : "";
    const after = inside.some((text) => text.endsWith(" ")) ? " *" : "";
    const group = (name: string, pattern: string): string =>
      String.raw`\[${before}${this.#group(name, pattern)}${after}\]`;
    if (inside.every((text) => /^ *\d+ *$/.test(text))) return group("pid", String.raw`\d+`);
    if (inside.every((text) => LEVEL.test(text.trim()) && !text.trim().includes(" ")))
      return group("level", "[A-Za-z]+");
    const name = inside.every((text) => /^ *\w+(?:\.\w+)+ *$/.test(text)) ? "logger" : "thread";
    // With brackets inside, it ends where the rest of the header goes on.
    if (inside.some((text) => /[[\]]/.test(text)) && !isLast) return group(name, ".*?");
    return group(name, String.raw`[^\]]*${after === "" ? "" : "?"}`);
  }

  #group(name: string, pattern: string): string {
    let unique = name;
    for (let i = 2; this.#fields.includes(unique); i++) unique = `${name}_${i}`;
    this.#fields.push(unique);
    return `(?<${unique}>${pattern})`;
  }
}

/** Characters that stand for themselves. */
const escaped = (marks: string): string => marks.replaceAll(/[\^$\\.*+?()[\]{}|/]/g, String.raw`\$&`);
