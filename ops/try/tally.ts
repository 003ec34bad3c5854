import { isUtf8 } from "node:buffer";
import { LogTypes } from "../../lambdas/router/log-types.ts";
import type { Misfit } from "../../lambdas/router/misfit.ts";
import type { ExpressionSettings } from "../../wire/expressions.ts";
import type { LogType } from "../../wire/log-type.ts";
import { visibleBytes, visibleText } from "../peek/visible-text.ts";
import { type EmptyColumn, EmptyColumns } from "./empty-columns.ts";
import { LineTrial, type Row } from "./line-trial.ts";
import type { FileLine } from "./read-lines.ts";

/** A line that gets no row. */
export interface Reject {
  readonly line: FileLine;
  readonly misfit: Misfit;
}

/** What a trial keeps of rows and rejects, to be shown. */
interface Kept {
  readonly rows: number;
  readonly rejects: number;
}

/** What becomes of lines as a log type. */
export class Tally {
  lines = 0;
  rows = 0;
  rejected = 0;
  filtered = 0;
  notUtf8 = 0;
  readonly firstRows: Row[] = [];
  readonly firstRejects: Reject[] = [];
  readonly #trial: LineTrial;
  readonly #kept: Kept;
  readonly #empty: EmptyColumns;

  /**
   * @param settings what the type's expressions may use
   * @param tag under which the lines come, for expressions that ask
   */
  constructor(
    type: LogType,
    kept: Kept,
    settings: ExpressionSettings = {},
    tag = type.match?.tags[0] ?? type.name,
  ) {
    const { name } = type;
    // Copies of lines are not what this type makes of them.
    const routed = new LogTypes([{ ...type, copy: undefined }], settings).ofName(name)!;
    this.#trial = new LineTrial(routed, tag);
    this.#kept = kept;
    this.#empty = new EmptyColumns(type.columns);
  }

  take(line: FileLine): void {
    this.lines++;
    const outcome = this.#trial.run(line);
    if (outcome.kind === "filtered") this.filtered++;
    else if (outcome.kind === "row") this.#takeRow(outcome.row);
    else {
      this.rejected++;
      if (!isUtf8(line.data)) this.notUtf8++;
      if (this.firstRejects.length < this.#kept.rejects)
        this.firstRejects.push({ line, misfit: outcome.misfit });
    }
  }

  #takeRow(row: Row): void {
    this.rows++;
    if (this.firstRows.length < this.#kept.rows) this.firstRows.push(row);
    if (this.#empty.sought.size > 0) this.#empty.take(row);
  }

  /** Columns that no row has a value in. */
  get emptyColumns(): EmptyColumn[] {
    return this.rows === 0 ? [] : this.#empty.found();
  }

  get rejectedPercent(): number {
    return this.lines === 0 ? 0 : (100 * this.rejected) / this.lines;
  }

  /** `1,998 of 2,000 lines become rows, 2 are rejected (0.1 %)`. @param what they are called */
  text(what = "lines"): string {
    const { lines, rows, rejected, filtered } = this;
    const percent = this.rejectedPercent;
    const share = percent > 0 && percent < 0.1 ? "below 0.1 %" : `${Number(percent.toFixed(1))} %`;
    return [
      `${number(rows)} of ${number(lines)} ${what} become rows`,
      ...(rejected > 0 ? [`${number(rejected)} ${rejected === 1 ? "is" : "are"} rejected (${share})`] : []),
      ...(filtered > 0 ? [`${number(filtered)} ${filtered === 1 ? "holds" : "hold"} no event`] : []),
    ].join(", ");
  }
}

/** Longer lines are seldom read by anyone. */
const SHOWN_MAX_BYTES = 16 * 2 ** 10;

/** Where it is, why it has no row, and the line. */
export function rejectText({ line, misfit: { reason, field, detail } }: Reject): string {
  const why = `${reason}${field === undefined ? "" : `, ${visibleText(field)}`}: ${visibleText(detail)}`;
  const { length } = line.data;
  const more = length > SHOWN_MAX_BYTES ? ` ... (${length} bytes)` : "";
  return `${placeOf(line)}: ${why}\n    ${visibleBytes(line.data.subarray(0, SHOWN_MAX_BYTES))}${more}`;
}

export function rejectJson({ line, misfit: { reason, field, detail } }: Reject): object {
  const { file, number, offset, data } = line;
  return { file, line: number, offset, reason, field, detail, data: data.toString("utf8") };
}

const placeOf = ({ file, number, offset }: FileLine): string =>
  number === undefined ? `${file}, at byte ${offset}` : `${file}:${number}`;

const number = (value: number): string => value.toLocaleString("en");
