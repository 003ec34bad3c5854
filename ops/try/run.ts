import { closest } from "../../wire/closest.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { AccessError } from "../access/access-error.ts";
import type { Outcome } from "../access/place-command.ts";
import { counted } from "../access/figures.ts";
import { patternOf } from "../peek/event-filter.ts";
import { visibleText } from "../peek/visible-text.ts";
import type { TryArguments } from "./command.ts";
import { emptyColumnText } from "./empty-columns.ts";
import { EventJoiner } from "./event-joiner.ts";
import type { Row } from "./line-trial.ts";
import { type FileLine, readLines } from "./read-lines.ts";
import { rejectJson, rejectText, Tally } from "./tally.ts";

/** @throws AccessError BAD_REQUEST for a type that there is not, a file that cannot be read, a pattern that is none */
export async function tryFile(
  name: string,
  file: string,
  { config, start, tag, lines, rows, rejects }: TryArguments,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<Outcome> {
  const settings = await loadConfig(config);
  const { types } = settings;
  const type = types.find((type) => type.name === name);
  if (type === undefined) {
    const near = closest(
      name,
      types.map(({ name }) => name),
    );
    const hint =
      near === undefined ? `It has ${types.map(({ name }) => name).join(", ")}.` : `Did you mean ${near}?`;
    throw new AccessError("BAD_REQUEST", `${config} has no log type ${name}`, hint);
  }
  const tally = new Tally(type, { rows, rejects }, settings, tag);
  const begins = start === undefined ? undefined : patternOf("--start", start);
  const joiner = new EventJoiner((line) => begins === undefined || begins.test(line.toString("latin1")));
  const take = (event: FileLine | undefined): void => {
    if (event) tally.take(event);
  };
  let [isWhole, count] = [true, 0];
  for await (const line of readLines(file)) {
    if (count++ === lines) {
      isWhole = false;
      break;
    }
    take(joiner.take(line));
  }
  take(joiner.end());
  const { rejected, filtered, emptyColumns, firstRows, firstRejects } = tally;
  const ok = rejected === 0;
  const meant = Object.fromEntries(
    emptyColumns.flatMap(({ column, meant }) => (meant ? [[column, meant]] : [])),
  );
  const of = { lines: tally.lines, isWhole, rows: tally.rows, rejected, filtered };
  return {
    ok,
    json: {
      ok,
      ...of,
      emptyColumns: emptyColumns.map(({ column }) => column),
      meant,
      firstRows,
      firstRejects: firstRejects.map(rejectJson),
    },
    text: [
      ...firstRows.map((row) =>
        rowText(
          type.columns.map(({ name }) => name),
          row,
        ),
      ),
      ...firstRejects.map(rejectText),
      summary(name, tally, `${isWhole ? "" : "first "}${begins ? "events" : "lines"}`),
    ].join("\n\n"),
  };
}

function summary(name: string, tally: Tally, what: string): string {
  const empty = tally.emptyColumns;
  return [
    `${name}: ${tally.text(what)}`,
    ...(empty.length > 0
      ? [
          `${counted(empty.length, "column")} without a value in any row: ${empty.map(({ column }) => column).join(", ")}`,
          ...empty.filter(({ meant }) => meant !== undefined).map((column) => `  ${emptyColumnText(column)}`),
        ]
      : []),
    ...(tally.lines === 0 ? ["The file is empty."] : []),
  ].join("\n");
}

/** A row, a column a line. */
function rowText(columns: readonly string[], row: Row): string {
  const names = ["_time", ...columns, ...("_extra" in row ? ["_extra"] : [])];
  const width = Math.max(...names.map(({ length }) => length));
  return names.map((name) => `${name.padEnd(width)}  ${valueText(row[name])}`.trimEnd()).join("\n");
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return "NULL";
  return visibleText(typeof value === "string" ? value : JSON.stringify(value));
}
