import { createHash } from "node:crypto";
import { fingerprint } from "../table-ddl.ts";
import { quoteText, type Target } from "../target.ts";

/** What the loader does to a table, its view or the rights of its readers. */
export type MigrationKind = "create-table" | "add-column" | "widen-column" | "view" | "grant";

/** One change, as weir.migrations keeps it. */
export interface Migration {
  readonly kind: MigrationKind;
  /** Column, view or reader. */
  readonly subject: string;
  readonly sql: string;
}

/** The automatic changes before a load are the loader's own. */
export const BY_LOADER = "loader";

/** Text of a statement that is kept. A wide table's has 90 KB, which a call has no room for twice. */
const STATEMENT_MAX_CHARS = 2_000;

/** The statement that records changes, to be run in their transaction where they may run in one. */
export function recordSql(target: Target, migrations: readonly Migration[], by: string): string {
  // Not the warehouse's getdate(), which knows seconds: publish.ts asks which of two is the later.
  const at = new Date().toISOString().slice(0, 23).replace("T", " ");
  const configuration = fingerprint(target);
  const rows = migrations.map(({ kind, subject, sql }) => {
    const values = [target.name, kind, subject, shortened(sql), sqlDigest(sql), configuration, by];
    return `SELECT ${values.map(quoteText).join(", ")}, CAST(${quoteText(at)} AS timestamp)`;
  });
  return `INSERT INTO weir.migrations (target, kind, subject, statement, digest, configuration, applied_by, applied_at)
${rows.join("\nUNION ALL ")}`;
}

export const sqlDigest = (sql: string): string => createHash("sha256").update(sql).digest("hex").slice(0, 16);

function shortened(sql: string): string {
  if (sql.length <= STATEMENT_MAX_CHARS) return sql;
  const half = STATEMENT_MAX_CHARS / 2;
  return `${sql.slice(0, half)} /* ${sql.length - 2 * half} characters */ ${sql.slice(-half)}`;
}
