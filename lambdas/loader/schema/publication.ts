import { columnsSql, quoteName, tableSql, type Target } from "../target.ts";
import type { Migration } from "./migration.ts";

/** What readers are given of a table: its view, and for each of them the right to read both. */
export interface Publication extends Migration {
  readonly kind: "view" | "grant";
  /** Run as one transaction. */
  readonly statements: readonly string[];
}

/**
 * The view and the grants of a table, each by itself: a reader that does not exist keeps nothing from the others.
 *
 * The view binds late, so that Redshift does not refuse to change the table below it, and is made anew rather than
 * replaced, which would take the same columns. What is granted on it goes with it, so that grants follow it.
 * source: CREATE VIEW, Redshift database developer guide, read 2026-11
 */
export function publications(target: Target): Publication[] {
  const { views, groups, roles } = target.readers;
  const view = views === undefined ? undefined : `${quoteName(views)}.${quoteName(target.table)}`;
  const made = view === undefined ? [] : [viewOf(target, `${views}.${target.table}`, view)];
  const readers = [
    ...groups.map((name) => ["group", `GROUP ${quoteName(name)}`, name] as const),
    ...roles.map((name) => ["role", `ROLE ${quoteName(name)}`, name] as const),
  ];
  const grants = readers.map(([what, to, name]): Publication => {
    const schemas = [target.schema, ...(views === undefined ? [] : [views])];
    const tables = [tableSql(target), ...(view === undefined ? [] : [view])];
    const statements = [
      ...schemas.map((schema) => `GRANT USAGE ON SCHEMA ${quoteName(schema)} TO ${to}`),
      ...tables.map((table) => `GRANT SELECT ON TABLE ${table} TO ${to}`),
    ];
    return { kind: "grant", subject: `${what} ${name}`, statements, sql: statements.join("; ") };
  });
  return [...made, ...grants];
}

function viewOf(target: Target, subject: string, view: string): Publication {
  const statements = [`DROP VIEW IF EXISTS ${view}`, createViewSql(target, view)];
  return { kind: "view", subject, statements, sql: statements.join("; ") };
}

/** People look for the type's own columns first. */
function createViewSql(target: Target, view: string): string {
  const isOwn = ({ name }: { name: string }): boolean => name.startsWith("_");
  const columns = [
    ...target.columns.filter((column) => !isOwn(column)),
    ...target.columns.filter((column) => isOwn(column)),
  ];
  const list = columnsSql({ ...target, columns });
  return `CREATE VIEW ${view} AS SELECT ${list} FROM ${tableSql(target)} WITH NO SCHEMA BINDING`;
}
