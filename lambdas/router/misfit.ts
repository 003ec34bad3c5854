import type { RejectReason } from "../../wire/reject.ts";
import { numberText } from "./parse/fields.ts";

/**
 * Why a line gets no row. A value, not an exception: bad lines are expected, and may be as many as
 * good ones.
 */
export class Misfit {
  readonly reason: RejectReason;
  /** For people: what was found. */
  readonly detail: string;
  /** The field or column at fault, where there is one. */
  readonly field: string | undefined;

  constructor(reason: RejectReason, detail: string, field?: string) {
    this.reason = reason;
    this.detail = detail;
    this.field = field;
  }

  of(field: string): Misfit {
    return new Misfit(this.reason, this.detail, field);
  }
}

/** A found value as a detail shows it: quoted, and not longer than a person reads. */
export function shown(value: unknown): string {
  const text = numberText(value) ?? (typeof value === "boolean" ? `${value}` : undefined);
  if (text === undefined) return Array.isArray(value) ? "an array" : "an object";
  return `"${text.length > 80 ? `${text.slice(0, 80)}...` : text}"`;
}
