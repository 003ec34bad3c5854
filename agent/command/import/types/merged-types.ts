import { isDeepStrictEqual } from "node:util";
import type { Notes } from "../imported.ts";
import type { ParserInput, TypeDraft } from "./imported-format.ts";

/** Most formats that a type tries. */
const FORMATS_MAX = 8;

/** Types of the same tags as one: the first type that takes a tag has all of its lines. */
export function merged(drafts: readonly TypeDraft[], notes: Notes): TypeDraft[] {
  const found = new Map<string, TypeDraft>();
  for (const draft of drafts) {
    const tags = JSON.stringify(draft.type.match?.tags);
    const first = found.get(tags);
    found.set(tags, first === undefined ? draft : both(first, draft, notes));
  }
  return [...found.values()];
}

function both(a: TypeDraft, b: TypeDraft, notes: Notes): TypeDraft {
  if (isDeepStrictEqual(a.type, b.type)) return a;
  const { tags } = a.type.match!;
  const of = [...formatsOf(a.type.parse), ...formatsOf(b.type.parse)].filter(
    (one, i, all) => all.findIndex((other) => isDeepStrictEqual(one, other)) === i,
  );
  notes.add(b.line, `tag ${tags.join(", ")}: lines of several formats have it; one type tries each in turn`);
  const names = new Set(a.type.columns.map(({ name }) => name));
  const isOneTime = isDeepStrictEqual(a.type.time, b.type.time);
  const { time, drop: _, ...type } = a.type;
  const isOneDrop = a.type.drop === b.type.drop;
  return {
    line: a.line,
    remarks: [
      ...new Set([...a.remarks, ...b.remarks]),
      ...(isOneTime ? [] : ["its lines have times of several forms: event time is arrival time"]),
      ...(isOneDrop
        ? []
        : ["what was left out of a part of its lines is not: give these a tag of their own"]),
    ],
    type: {
      ...type,
      ...(isOneTime && time && { time }),
      ...(isOneDrop && a.type.drop !== undefined && { drop: a.type.drop }),
      parse: of.length > 1 ? { format: "any", of: of.slice(0, FORMATS_MAX) } : a.type.parse,
      columns: [...a.type.columns, ...b.type.columns.filter(({ name }) => !names.has(name))],
    },
  };
}

type Single = Exclude<ParserInput, { format: "any" }>;

function formatsOf(parse: ParserInput): Single[] {
  if (parse.format !== "any") return [parse];
  const { from } = parse;
  return parse.of.map((one) => (from === undefined ? one : { ...one, from }));
}
