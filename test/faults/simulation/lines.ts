import type { Random } from "../../sequencer/random.ts";
import { parseConfig, type WeirConfig, type WeirConfigInput } from "../../../wire/config.ts";

/** Of the files of a host, and of other producers' records. */
export const TAGS = ["access", "photo", "user"] as const;
export type Tag = (typeof TAGS)[number];

/**
 * What becomes of a line. `long`, `later` and all of `user` are rejected by the first configuration, and become rows by a
 * later one.
 */
export type LineKind = "row" | "bad" | "long" | "later" | "debug";

const SHORT_CHARS = 24;
const LONG_CHARS = 60;

/** What a row's column has of a line. */
export const wordsOf = (n: number, kind: LineKind): string =>
  `line ${n} `.padEnd(kind === "long" ? LONG_CHARS : SHORT_CHARS - (n % 11), "x");

export function lineText(tag: Tag, n: number, random: Random): { kind: LineKind; text: string } {
  const kind = kindOf(tag, random);
  const words = wordsOf(n, kind);
  if (kind === "debug") return { kind, text: `DEBUG ${n} ${words}` };
  if (tag === "photo") return { kind, text: photoLine(n, kind, words) };
  const json = JSON.stringify({ n, words });
  return { kind, text: kind === "bad" ? json.slice(0, -1) : json };
}

function kindOf(tag: Tag, random: Random): LineKind {
  const lot = random.int(0, 99);
  if (lot < 5) return "bad";
  if (lot < 10) return "debug";
  if (lot < 16 && tag === "access") return "long";
  return lot < 16 && tag === "photo" ? "later" : "row";
}

function photoLine(n: number, kind: LineKind, words: string): string {
  if (kind === "bad") return `${words} ${n}`;
  return `${kind === "later" ? "v2:" : ""}${n} ${words}`;
}

/** Lines that a host leaves out. */
export const EXCLUDED = "^DEBUG ";

type LogType = WeirConfigInput["types"][number];

const logType = (name: Tag, parse: LogType["parse"], widthChars: number): LogType => ({
  name,
  parse,
  columns: [
    { name: "n", type: "bigint", nullable: false },
    { name: "words", type: `varchar(${widthChars})` },
  ],
  destinations: [{ to: "s3" }, { to: "redshift", schema: "logs" }],
});

const json = { format: "json" } as const;
const regex = (pattern: string): LogType["parse"] => ({ format: "regex", pattern });

const configOf = (...types: LogType[]): WeirConfig =>
  parseConfig({ warehouse: { kind: "new-serverless" }, types }, "simulation");

const NARROW = logType("access", json, SHORT_CHARS);
const WIDE = logType("access", json, 2 * LONG_CHARS);
const PHOTO = logType("photo", regex("^(?<n>\\d+) (?<words>.*)$"), LONG_CHARS);
const MENDED = logType("photo", regex("^(?:v2:)?(?<n>\\d+) (?<words>.*)$"), LONG_CHARS);
const USER = logType("user", json, LONG_CHARS);

/** Configurations as they follow one another: a column is widened, a type added, a parser mended. */
export const CONFIGS: readonly WeirConfig[] = [
  configOf(NARROW, PHOTO),
  configOf(WIDE, PHOTO),
  configOf(WIDE, PHOTO, USER),
  configOf(WIDE, MENDED, USER),
];

/** Whether a router with this configuration makes a row of a line. */
export function isRow(config: number, tag: Tag, kind: LineKind): boolean {
  if (kind === "bad" || kind === "debug" || (tag === "user" && config < 2)) return false;
  if (kind === "long") return config >= 1;
  return kind !== "later" || config >= 3;
}
