import * as z from "zod";

/** Of a table, and of all tables of a configuration together: it is read whenever a function starts. */
const MAX_ENTRIES = 100_000;
const MAX_CHARS = 8 * 2 ** 20;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const lookupTables = z.record(
  z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, "letters, digits, _ and -, beginning with a letter"),
  z.strictObject({
    entries: z.record(z.string(), scalar).meta({
      description:
        "values by key. The file is TypeScript: a large table may be imported, as JSON or from wherever it is made",
    }),
    default: scalar
      .optional()
      .meta({ description: "value of keys that are not there; without it they have none" }),
  }),
);

/** Shown where tables may stand. */
export const TABLE_EXAMPLE = '`{ team: { entries: { "/api": "core" }, default: "none" } }`';

export type LookupTables = z.output<typeof lookupTables>;

/** @returns why so many or so large tables are not taken */
export function tablesProblem(all: readonly (LookupTables | undefined)[]): string | undefined {
  let [count, chars] = [0, 0];
  for (const { entries } of all.flatMap((tables) => Object.values(tables ?? {}))) {
    for (const [key, value] of Object.entries(entries)) {
      count++;
      chars += key.length + (typeof value === "string" ? value.length : 8);
    }
  }
  if (count <= MAX_ENTRIES && chars <= MAX_CHARS) return undefined;
  return `${count} entries of ${chars} characters, and at most ${MAX_ENTRIES} of ${MAX_CHARS} in all`;
}
