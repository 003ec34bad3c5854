/**
 * Fields of a row that the table has no column for, as a row of another configuration has them. COPY would leave them
 * out without a word, so they go where the router puts fields without a column: into `_extra`.
 */

type Fields = Readonly<Record<string, unknown>>;

/** A number by its text. source: TC39 proposal json-parse-with-source, in Node 22 */
const raw = JSON as unknown as { rawJSON(text: string): object; isRawJSON(value: unknown): boolean };
const keepDigits = (_name: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === "number" && context?.source !== undefined ? raw.rawJSON(context.source) : value;

/** Names of the fields without a column. None in what is no JSON object: that is for COPY to refuse. */
export function uncoveredFields(line: string, columns: ReadonlySet<string>): string[] {
  const fields = parsed(line);
  return fields === undefined ? [] : Object.keys(fields).filter((name) => !columns.has(name));
}

/** The row with those fields in `_extra`, under the names they have, and all the rest as it is. */
export function toExtra(line: string, columns: ReadonlySet<string>): string {
  const fields = parsed(line, keepDigits);
  if (fields === undefined) return line;
  const entries = Object.entries(fields);
  const uncovered = entries.filter(([name]) => !columns.has(name));
  if (uncovered.length === 0) return line;
  const extra = new Map(extraOf(fields["_extra"]));
  for (const [name, value] of uncovered) extra.set(freeName(name, value, extra), value);
  const own = entries.filter(([name]) => columns.has(name) && name !== "_extra");
  return JSON.stringify(Object.fromEntries([...own, ["_extra", Object.fromEntries(extra)]]));
}

function parsed(line: string, reviver?: typeof keepDigits): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line, reviver);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !raw.isRawJSON(value);
}

function extraOf(value: unknown): [string, unknown][] {
  if (value === undefined || value === null) return [];
  return isObject(value) ? Object.entries(value) : [["_extra", value]];
}

/** A column may have been filled from a field of another name, and a field of its own name be in `_extra` already. */
function freeName(name: string, value: unknown, extra: ReadonlyMap<string, unknown>): string {
  let free = name;
  while (extra.has(free) && JSON.stringify(extra.get(free)) !== JSON.stringify(value)) free += "_";
  return free;
}
