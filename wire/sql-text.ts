/** Names and texts in Redshift's SQL. */

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Text as a literal. Redshift takes a backslash for an escape, as PostgreSQL did before version 9.1: `\'` would end
 * the literal for us and not for it. Doubled, both signs are safe under either reading. source: apache/
 * datafusion-sqlparser-rs 1801 and jOOQ 10628, read 2026-11; Redshift's reference of literals does not say
 */
export const quoteText = (text: string): string =>
  `'${text.replaceAll("\\", String.raw`\\`).replaceAll("'", "''")}'`;
