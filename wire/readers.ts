import * as z from "zod";
import { type LogType, type RedshiftDestination, rowColumns } from "./log-type.ts";
import { schemaNameProblem } from "./redshift-names.ts";
import { quoteName } from "./sql-text.ts";

/** Names of groups and roles: whatever Redshift takes between quotes, such as `aad:analysts`. */
const principal = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}"]+$/u, "a name without quotes and control characters")
  .refine((name) => Buffer.byteLength(name) <= 127, "at most 127 bytes of UTF-8");

const principals = z.array(principal).max(20);

const viewsSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,62}$/,
    "lower-case letters, digits and _, beginning with a letter, at most 63: a leading _ is Weir's own",
  )
  .superRefine((schema, context) => {
    const message = schemaNameProblem(schema);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

/** Whoever queries the tables: what they find, and may read. */
export const readersSchema = z.strictObject({
  views: viewsSchema.optional().meta({
    description:
      "schema of views, one for each table and of its name: a type's own columns first, Weir's last. They bind late, so " +
      "that they keep no table from being changed",
  }),
  groups: principals.default([]).meta({
    description:
      "groups that may read every table and view, also those to come; they have to be there. One that is taken out here " +
      "keeps what it was granted",
  }),
  roles: principals.default([]).meta({ description: "roles that may, likewise" }),
});

export type Readers = z.output<typeof readersSchema>;

/** A field at fault, and why. */
export interface ReadersProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** SQL of a view, at most: of the 100 KB that the Data API takes, its record and names have the rest. */
const VIEW_COLUMNS_MAX_BYTES = 90_000;

/**
 * Views that could not be made.
 *
 * @param warehouseOf names a destination's warehouse: each has the views of its own tables
 */
export function* readersProblems(
  { views }: Readers,
  types: readonly LogType[],
  warehouseOf: (destination: RedshiftDestination) => string,
): Generator<ReadersProblem> {
  if (views === undefined) return;
  const path = ["readers", "views"];
  const tables = new Map<string, string>();
  for (const type of types) {
    for (const target of type.destinations) {
      if (target.to !== "redshift") continue;
      const { schema, table = type.name } = target;
      const name = `${schema}.${table}`;
      if (schema === views) yield { path, message: `schema "${views}" has the table ${name}: name another` };
      const place = `${warehouseOf(target)}/${table}`;
      const other = tables.get(place);
      if (other !== undefined) {
        yield {
          path,
          message: `${other} and ${name} would have one view, ${views}.${table}: name one of them otherwise`,
        };
      }
      tables.set(place, name);
      const bytes = rowColumns(type).reduce(
        (sum, { name }) => sum + Buffer.byteLength(`${quoteName(name)}, `),
        0,
      );
      if (bytes > VIEW_COLUMNS_MAX_BYTES) {
        const message = `the view of ${name} would name columns of ${bytes} bytes, and ${VIEW_COLUMNS_MAX_BYTES} are what the Data API has room for: use shorter names, or leave views out`;
        yield { path, message };
      }
    }
  }
}
