import type { SqlResult } from "./sql-query.ts";

/**
 * RFC 4180, and as PostgreSQL's COPY has it: a field that is NULL is empty, an empty text is `""`. Values are as they are:
 * none is altered for the sake of a program that would take it for a formula.
 */
export function csvText({ columns, rows }: Pick<SqlResult, "columns" | "rows">): string {
  const lines = [columns.map(({ name }) => field(name)), ...rows.map((row) => row.map(field))];
  return lines.map((fields) => `${fields.join(",")}\r\n`).join("");
}

function field(value: string | null): string {
  if (value === null) return "";
  return value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
