import { closest } from "../../wire/closest.ts";
import type { LogType } from "../../wire/log-type.ts";
import type { Row } from "./line-trial.ts";

/** A column that is NULL in every row. */
export interface EmptyColumn {
  readonly column: string;
  /** The field that no line had; none for a column that is computed. */
  readonly field?: string | undefined;
  /** A field that lines had, called nearly so. */
  readonly meant?: string | undefined;
}

/** Fields remembered of lines: what is meant is mostly in the first of them. */
const FIELDS_MAX = 1_000;

/** Finds the columns of a type that are NULL in every row, and what lines had in the place of their fields. */
export class EmptyColumns {
  readonly #columns: LogType["columns"];
  readonly #sought: Set<string>;
  readonly #fields = new Set<string>();

  constructor(columns: LogType["columns"]) {
    this.#columns = columns;
    this.#sought = new Set(columns.map(({ name }) => name));
  }

  /** Names of columns that no row had a value in so far. */
  get sought(): ReadonlySet<string> {
    return this.#sought;
  }

  take(row: Row): void {
    for (const name of this.#sought) if (name in row) this.#sought.delete(name);
    this.#note(row["_extra"], "");
  }

  found(): EmptyColumn[] {
    const taken = this.#columns.flatMap(({ name, field = name }) => (this.#sought.has(name) ? [] : field));
    const fields = [...this.#fields, ...taken];
    return this.#columns
      .filter(({ name }) => this.#sought.has(name))
      .map(({ name, field = name, value }) => {
        if (value !== undefined) return { column: name };
        const meant = fields.includes(field) ? undefined : closest(field, fields);
        return { column: name, field, ...(meant !== undefined && { meant }) };
      });
  }

  /** Fields without a column are in `_extra`, those below others by their path. */
  #note(extra: unknown, above: string): void {
    if (typeof extra !== "object" || extra === null || Array.isArray(extra)) return;
    for (const [name, value] of Object.entries(extra)) {
      if (this.#fields.size >= FIELDS_MAX) return;
      this.#fields.add(above + name);
      this.#note(value, `${above}${name}.`);
    }
  }
}

/** `no line had a field "sttus": did you mean "status"?` */
export function emptyColumnText({ column, field, meant }: EmptyColumn): string {
  if (field === undefined) return `${column}: its expression gave no value`;
  const hint = meant === undefined ? "" : `: did you mean "${meant}"?`;
  return `${column}: no line had a value in the field "${field}"${hint}`;
}
