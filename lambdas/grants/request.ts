import * as z from "zod";
import { toDotPath } from "zod/v4/core";
import { type GrantsRequest, tableNamed } from "../../wire/loader-grants.ts";
import { GrantsError } from "./grants-error.ts";

/** The resource's properties, as lib/loader-grants.ts writes them. CloudFormation adds its own, such as ServiceToken. */
const propertiesSchema = z.object({
  Workgroup: z.string(),
  Database: z.string(),
  /** Name of the administrator's secret. */
  Secret: z.string(),
  User: z.string(),
  /** schema.table */
  Tables: z.array(z.string().regex(/^[^.]+\.[^.]+$/)),
  /** Schema of the readers' views. */
  Views: z.string().optional(),
  /** Changes with the statements themselves. */
  Statements: z.string(),
});

type Properties = z.output<typeof propertiesSchema>;

/** @throws GrantsError BAD_EVENT */
export function readProperties(value: unknown): Properties {
  const { data, error } = propertiesSchema.safeParse(value);
  if (data) return data;
  const { path, message } = error.issues[0]!;
  throw new GrantsError("BAD_EVENT", `${toDotPath(path)}: ${message}`);
}

export function grantsRequest({ User: user, Database: database, Tables, Views }: Properties): GrantsRequest {
  return { user, database, tables: Tables.map(tableNamed), views: Views };
}

/**
 * Whether all of `wanted` has been granted with `before`. Grants are never taken away, so a table less is nothing to
 * do: taking back a deployment that failed does not depend on the warehouse.
 */
export function covers(before: unknown, wanted: Properties): boolean {
  const { data } = propertiesSchema.safeParse(before);
  if (!data) return false;
  const same = (["Workgroup", "Database", "Secret", "User", "Statements"] as const).every(
    (name) => data[name] === wanted[name],
  );
  const views = wanted.Views === undefined || wanted.Views === data.Views;
  return same && views && wanted.Tables.every((table) => data.Tables.includes(table));
}
