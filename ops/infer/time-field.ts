import type { Field } from "./columns.ts";
import { EPOCH_FORMS, FIELD_FORMS, type TimeForm, timeFormOf } from "./time-formats.ts";

/** Where event time is. */
export interface TimeField {
  readonly field: string;
  readonly form: TimeForm;
}

/** Names of fields with an event's time, the likeliest first. */
const NAMES = [
  /^@?timestamp$/i,
  /^time$/i,
  /^(?:ts|t)$/i,
  /^time_?(?:local|iso8601|stamp|utc)$/i,
  /^(?:date_?time|date)$/i,
  /^(?:event|log|request|start|created|received)_?(?:time|date|at|timestamp)$/i,
  /time|date|stamp/i,
  /^start$/i,
];

const VALUES_MAX = 500;

/** @returns undefined where no field has a time in almost every line */
export function timeFieldOf(fields: readonly Field[]): TimeField | undefined {
  const rank = ({ path }: Field): number => {
    const at = NAMES.findIndex((name) => name.test(path.slice(path.lastIndexOf(".") + 1)));
    return at < 0 ? NAMES.length : at;
  };
  const always = fields.filter(({ values, lines }) => values.length > 0 && values.length >= lines * 0.99);
  const ranked = always.map((field, i) => ({ field, rank: rank(field), i }));
  ranked.sort((a, b) => a.rank - b.rank || a.i - b.i);
  for (const { field, rank } of ranked) {
    const every = Math.ceil(field.values.length / VALUES_MAX);
    const values = field.values.filter((_, i) => i % every === 0);
    // Any number is seconds since 1970 to somebody.
    const form =
      timeFormOf(values, FIELD_FORMS) ?? (rank < NAMES.length ? timeFormOf(values, EPOCH_FORMS) : undefined);
    if (form) return { field: field.path, form };
  }
  return undefined;
}
