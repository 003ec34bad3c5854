import { isDeepStrictEqual } from "node:util";
import { AccessError } from "../access/access-error.ts";
import { textTable } from "../access/text-table.ts";
import { visibleText } from "../peek/visible-text.ts";
import { parseExactly } from "../try/exact-json.ts";
import type { Outcome, Row } from "../try/line-trial.ts";

/**
 * What becomes of an event, a line of `x.expected.jsonl` each: its row, or `{"_rejected":{"reason":"column","field":"status"}}`,
 * or `{"_filtered":true}`. No column of a user's begins with _.
 */
export type Expectation = Readonly<Record<string, unknown>>;

export function expectationOf(outcome: Outcome): Expectation {
  if (outcome.kind === "row") return outcome.row;
  if (outcome.kind === "filtered") return { _filtered: true };
  const { reason, field } = outcome.misfit;
  // How a reason is worded is no part of what is expected.
  return { _rejected: { reason, ...(field !== undefined && { field }) } };
}

export const expectationsText = (all: readonly Expectation[]): string =>
  all.map((one) => `${JSON.stringify(one)}\n`).join("");

/** @throws AccessError BAD_REQUEST naming file and line */
export function parseExpectations(text: string, file: string): Expectation[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ line, number: i + 1 }));
  return lines
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, number }) => {
      const where = `${file}:${number}`;
      let value: unknown;
      try {
        value = parseExactly(line);
      } catch (cause) {
        throw new AccessError("BAD_REQUEST", `${where}: not JSON: ${(cause as Error).message}`, undefined, {
          cause,
        });
      }
      if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new AccessError("BAD_REQUEST", `${where}: not an object, such as {"_time":"...","status":200}`);
      return value as Expectation;
    });
}

/** @returns what differs, for people; undefined where nothing does. A column that is null is one without a value */
export function difference(
  expected: Expectation | undefined,
  got: Expectation | undefined,
  why = "",
): string | undefined {
  if (expected === undefined) return `one event more than expected: ${kindOf(got!, why)}`;
  if (got === undefined) return `one event less than expected: ${kindOf(expected, "")}`;
  if (isRow(expected) !== isRow(got)) return `expected ${kindOf(expected, "")}\ngot      ${kindOf(got, why)}`;
  const [before, now] = [columnsOf(expected), columnsOf(got)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const rows = names
    .filter((name) => !isDeepStrictEqual(before[name] ?? null, now[name] ?? null))
    .map((name) => [name, ...shown(before[name], now[name])]);
  if (rows.length === 0) return undefined;
  const table = textTable([{ title: "column" }, { title: "expected" }, { title: "got" }], rows);
  return isRow(got) || why === "" ? table : `${table}\n${why}`;
}

const isRow = (expectation: Expectation): boolean =>
  !("_rejected" in expectation) && !("_filtered" in expectation);

function kindOf(expectation: Expectation, why: string): string {
  if ("_filtered" in expectation) return "no event: the line is filtered";
  if (isRow(expectation)) return `a row: ${visibleText(JSON.stringify(expectation))}`;
  const { reason, field } = expectation["_rejected"] as { readonly reason?: string; readonly field?: string };
  const details = [reason, field, why].filter((part) => part !== undefined && part !== "");
  return `a reject: ${visibleText(details.join(", "))}`;
}

/** Fields without a column count one by one. */
function columnsOf({ _extra, ...row }: Row): Record<string, unknown> {
  if (typeof _extra !== "object" || _extra === null) return _extra === undefined ? row : { ...row, _extra };
  return {
    ...row,
    ...Object.fromEntries(Object.entries(_extra).map(([name, value]) => [`_extra.${name}`, value])),
  };
}

const SHOWN_CHARS = 100;
/** Characters shown before the first that differs. */
const CONTEXT_CHARS = 30;

/** Both values, from where they differ if they are long. */
function shown(expected: unknown, got: unknown): [string, string] {
  const [a, b] = [expected, got].map((value) =>
    value === undefined || value === null ? "NULL" : visibleText(JSON.stringify(value)),
  ) as [string, string];
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const from = Math.max(a.length, b.length) > SHOWN_CHARS ? Math.max(0, same - CONTEXT_CHARS) : 0;
  return [a, b].map((text) => {
    const part = text.slice(from, from + SHOWN_CHARS);
    return `${from > 0 ? "…" : ""}${part}${from + SHOWN_CHARS < text.length ? "…" : ""}`;
  }) as [string, string];
}
