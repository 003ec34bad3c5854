import { comparableType, type ErasureTerm } from "../../../wire/erasure-condition.ts";
import { type Erasure, type ErasureCondition, placesManifestKey } from "../../../wire/erasure.ts";
import { copySql, type Storage } from "../copy-sql.ts";
import { timestamp } from "../ledger-commit.ts";
import { lockTableSql, quoteName, quoteText, tableSql, type Target } from "../target.ts";
import { samePlaceSql } from "./erased-rows.ts";

/**
 * The one transaction that erases from a table:
 *
 * lock · not erased yet · places of the lake · rows that only the table has · count · delete · record
 *
 * It holds the table's lock, as loads do: a load is before it, and its rows are deleted, or after it, and finds the
 * places in weir.erased_rows.
 */
type EraseStatementName =
  | "erase-lock"
  | "not-erased" //      this very erasure was here before
  | "erase-places"
  | "copy-places"
  | "count-places" //    the places are not as many as the record says
  | "match-rows"
  | "count-before"
  | "delete-rows"
  | "record-places"
  | "record-erasure";

/** Place of "delete-rows" among them, from the end: how many rows it deleted is told. */
export const DELETE_ROWS_AT = -3;

export function eraseSql(erasure: Erasure, target: Target, storage: Storage): string[] {
  const { id, places } = erasure;
  const [erasureId, name] = [quoteText(id), quoteText(target.name)];
  const matching = conditionSql(erasure.condition, erasure.arrivedBefore, target);
  return [
    named("erase-lock", `LOCK TABLE ${lockTableSql(target)}`),
    named(
      "not-erased",
      `SELECT 1 / CASE WHEN n = 0 THEN 1 ELSE 0 END FROM (
  SELECT count(*) AS n FROM weir.erasures WHERE erasure_id = ${erasureId} AND target = ${name}) found`,
    ),
    named("erase-places", `CREATE TEMP TABLE weir_erasing (src varchar(160), "off" bigint, crc bigint)`),
    ...(places === 0 ? [] : copyPlacesSql(erasure, storage)),
    ...(matching === undefined
      ? []
      : [
          named(
            "match-rows",
            `INSERT INTO weir_erasing (src, "off", crc) SELECT "_src", "_off", "_crc" FROM ${tableSql(target)} WHERE ${matching}`,
          ),
        ]),
    named(
      "count-before",
      `CREATE TEMP TABLE weir_rows_before AS SELECT count(*) AS n FROM ${tableSql(target)}`,
    ),
    named(
      "delete-rows",
      `DELETE FROM ${tableSql(target)} USING weir_erasing WHERE ${samePlaceSql("weir_erasing", quoteName(target.table))}`,
    ),
    // Rows without provenance are known by shard and sequence number: see record-format.md.
    named(
      "record-places",
      `INSERT INTO weir.erased_rows (erasure_id, target, src, "off", crc, shard_id, seq)
SELECT DISTINCT ${erasureId}, ${name}, src, "off", crc,
  CASE WHEN src LIKE '%:%' THEN split_part(src, ':', 1) END,
  CASE WHEN src LIKE '%:%' THEN lpad(split_part(src, ':', 2), 64, '0') END
FROM weir_erasing`,
    ),
    named(
      "record-erasure",
      `INSERT INTO weir.erasures (erasure_id, target, places, erased_at, rows_erased)
SELECT ${erasureId}, ${name}, (SELECT count(*) FROM weir_erasing), getdate(),
  (SELECT n FROM weir_rows_before) - (SELECT count(*) FROM ${tableSql(target)})`,
    ),
  ];
}

/** Counts the rows of a table that a condition is for; undefined where it does not speak of its columns. */
export function matchSql(
  condition: ErasureCondition,
  arrivedBefore: string,
  target: Target,
): string | undefined {
  const matching = conditionSql(condition, arrivedBefore, target);
  return matching && `SELECT count(*) FROM ${tableSql(target)} WHERE ${matching}`;
}

/** Rows of the table that a condition is for, as SQL; undefined where it does not speak of this table's columns. */
function conditionSql(
  { where, since, until }: ErasureCondition,
  arrivedBefore: string,
  target: Target,
): string | undefined {
  if (where.length === 0) return undefined;
  const terms = where.map((term) => termSql(term, target));
  if (terms.includes(undefined)) return undefined;
  return [
    ...terms,
    `"_arrived_at" < ${quoteText(timestamp(arrivedBefore))}`,
    ...(since === undefined ? [] : [`"_time" >= ${quoteText(timestamp(since))}`]),
    ...(until === undefined ? [] : [`"_time" < ${quoteText(timestamp(until))}`]),
  ].join(" AND ");
}

function termSql({ column: name, values }: ErasureTerm, { columns }: Target): string | undefined {
  const kind = comparableType(columns.find((column) => column.name === name))?.kind;
  if (kind === undefined) return undefined;
  const literals = values.map((value) =>
    BARE.has(kind) && BARE_VALUE.test(value) ? value : quoteText(value),
  );
  return `${quoteName(name)} IN (${literals.join(", ")})`;
}

/** Kinds whose values stand without quotes, and what those may be, wherever the condition comes from. */
const BARE: ReadonlySet<string> = new Set(["smallint", "integer", "bigint", "decimal", "boolean"]);
const BARE_VALUE = /^(?:-?\d+(?:\.\d+)?|true|false)$/;

const copyPlacesSql = ({ id, places }: Erasure, storage: Storage): string[] => [
  named(
    "copy-places",
    copySql('weir_erasing (src, "off", crc)', placesManifestKey(id), "MANIFEST ZSTD", storage),
  ),
  named("count-places", `SELECT 1 / CASE WHEN pg_last_copy_count() = ${places} THEN 1 ELSE 0 END`),
];

const named = (name: EraseStatementName, sql: string): string => `/* weir: ${name} */ ${sql}`;
