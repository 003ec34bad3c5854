import { copySql, countSql, type Storage } from "./copy-sql.ts";
import { leaveOutErasedSql } from "./erasure/erased-rows.ts";
import { named } from "./load-statement.ts";
import type { OpenLoad } from "./open-load.ts";
import { columnsSql, namesColumns, quoteText, tableSql, type Target } from "./target.ts";

/** What the ledger has of the places where a load's rows are, as SELECTs. */
export interface Overlap {
  /** src, from_off, to_off, arrived_from, arrived_to of ranges that new ones overlap. */
  readonly ranges: string;
  /** arrived_from, arrived_to of batches whose foreign rows may be among the new ones. */
  readonly foreign: string;
}

/** Of a load whose rows overlap nothing: straight into the table. */
export const fastRowsSql = (load: OpenLoad, target: Target, storage: Storage): string[] =>
  copyRowsSql(load.manifests, listedSql(target), storage);

/**
 * Of a load whose rows may be there already. Rows are staged, and looked at by their place, (_src, _off), where two of
 * them may be: all the others go into the table as they are.
 *
 * overlapping   ranges and foreign batches of the ledger that the load overlaps
 * places        of staged rows that are in an overlapping range, or not alone at their place
 * known         what the table has at those places, one row a content
 * fresh         what is to be inserted there: one row for each content that is not known
 * conflicting   those of them that are not alone at their place
 *
 * So what is compared is bounded by the overlap. Joins are on equality: ranges are swept, since joining them would
 * compare each of a source with each other one, and how many there are is for producers to decide.
 */
export function slowRowsSql(load: OpenLoad, target: Target, storage: Storage, overlap: Overlap): string[] {
  return [
    // Of the listed columns alone: whatever else a table has, and their defaults, are the table's matter. CTAS takes
    // neither constraints nor identities along.
    named(
      "stage",
      `CREATE TEMP TABLE staged AS SELECT ${namesColumns(target) ? columnsSql(target) : "*"}
FROM ${tableSql(target)} WHERE 1 = 0`,
    ),
    ...copyRowsSql(load.manifests, "staged", storage),
    named("leave-out-erased", leaveOutErasedSql("staged", target)),
    named("overlapping", overlappingSql(overlap)),
    named("places", PLACES_SQL),
    named("known", knownSql(target)),
    named("fresh", FRESH_SQL),
    named("fresh", `ALTER TABLE fresh DROP COLUMN ${NTH}`),
    named("conflicting", CONFLICTING_SQL),
    named(
      "settle-places",
      `DELETE FROM staged USING places WHERE staged."_src" = places."_src" AND staged."_off" = places."_off"`,
    ),
    named(
      "insert-rows",
      `INSERT INTO ${listedSql(target)} SELECT * FROM staged UNION ALL SELECT * FROM fresh`,
    ),
    named("insert-conflicts", insertConflictsSql(load, target)),
  ];
}

/** What a load has done, for its row in the ledger. */
export function rowCountsSql({ path, rows }: OpenLoad): {
  readonly inserted: string;
  readonly conflicts: string;
} {
  if (path === "fast") return { inserted: `${rows}`, conflicts: "0" };
  return {
    inserted: "(SELECT count(*) FROM staged) + (SELECT count(*) FROM fresh)",
    conflicts: "(SELECT count(*) FROM conflicting)",
  };
}

/** The stage has the same columns in the same order. */
const listedSql = (target: Target): string =>
  namesColumns(target) ? `${tableSql(target)} (${columnsSql(target)})` : tableSql(target);

export function copyRowsSql(
  manifests: OpenLoad["manifests"],
  into: string,
  storage: Storage,
  maxErrors = 0,
): string[] {
  return manifests.flatMap(({ key, codec, rows }) => [
    named("copy-rows", copySql(into, key, `MANIFEST ${codec.toUpperCase()}`, storage, maxErrors)),
    countSql(rows),
  ]);
}

/** Foreign batches have no src here. How far back to look is what the ledger says of everything that overlaps. */
const overlappingSql = ({ ranges, foreign }: Overlap): string => `CREATE TEMP TABLE overlapping AS
SELECT src, from_off, to_off, arrived_from, arrived_to FROM (${ranges}) known_ranges
UNION ALL SELECT CAST(NULL AS varchar(160)), CAST(NULL AS bigint), CAST(NULL AS bigint), arrived_from, arrived_to
FROM (${foreign}) known_batches`;

/** Foreign rows have a colon in their _src, which ids of sources never have. */
const PLACES_SQL = `CREATE TEMP TABLE places AS
SELECT "_src", "_off" FROM (
  SELECT "_src", "_off", is_row, max(to_off) OVER (
    PARTITION BY "_src" ORDER BY "_off", is_row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS reach
  FROM (
    SELECT src AS "_src", from_off AS "_off", to_off, 0 AS is_row FROM overlapping WHERE src IS NOT NULL
    UNION ALL SELECT "_src", "_off", CAST(NULL AS bigint), 1 FROM staged
    WHERE "_src" IN (SELECT src FROM overlapping WHERE src IS NOT NULL)
  ) bounds
) swept WHERE is_row = 1 AND reach > "_off"
UNION SELECT "_src", "_off" FROM staged
WHERE "_src" LIKE '%:%' AND (SELECT count(*) FROM overlapping WHERE src IS NULL) > 0
UNION SELECT "_src", "_off" FROM staged GROUP BY "_src", "_off" HAVING count(*) > 1`;

/** The first at a place is nth = 1, and any_crc = 1 where one there has none and stands for all. */
const knownSql = (target: Target): string => `CREATE TEMP TABLE known AS
SELECT "_src", "_off", "_crc", "_host", "_arrived_at",
  row_number() OVER (PARTITION BY "_src", "_off" ORDER BY "_arrived_at", "_crc") AS nth,
  max(CASE WHEN "_crc" IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY "_src", "_off") AS any_crc
FROM (
  SELECT t."_src", t."_off", t."_crc", t."_host", t."_arrived_at",
    row_number() OVER (PARTITION BY t."_src", t."_off", t."_crc" ORDER BY t."_arrived_at") AS copy_nth
  FROM ${tableSql(target)} t JOIN places p ON p."_src" = t."_src" AND p."_off" = t."_off"
  WHERE t."_arrived_at" BETWEEN (SELECT min(arrived_from) FROM overlapping) AND (SELECT max(arrived_to) FROM overlapping)
) copies WHERE copy_nth = 1`;

/** No column of a table is called that. */
const NTH = '"weir nth"';

/**
 * Rows from before there was a _crc have none, and count as the same: what is at their place has one, or is the only
 * one.
 */
const FRESH_SQL = `CREATE TEMP TABLE fresh AS SELECT * FROM (
  SELECT s.*, row_number() OVER (PARTITION BY s."_src", s."_off", s."_crc" ORDER BY s."_arrived_at")
    + CASE WHEN s."_crc" IS NULL AND max(s."_crc") OVER (PARTITION BY s."_src", s."_off") IS NOT NULL
      THEN 1 ELSE 0 END AS ${NTH}
  FROM staged s JOIN places p ON p."_src" = s."_src" AND p."_off" = s."_off"
  LEFT JOIN known k ON k."_src" = s."_src" AND k."_off" = s."_off" AND k."_crc" = s."_crc"
  LEFT JOIN known f ON f."_src" = s."_src" AND f."_off" = s."_off" AND f.nth = 1
  WHERE k."_src" IS NULL AND (f."_src" IS NULL OR (f.any_crc = 0 AND s."_crc" IS NOT NULL))
) ranked WHERE ${NTH} = 1`;

/** Each row beside the first one at its place: that is what the table had, or what arrived first. */
const CONFLICTING_SQL = `CREATE TEMP TABLE conflicting AS SELECT * FROM (
  SELECT "_src", "_off", "_crc", "_host", "_arrived_at", is_fresh,
    first_value("_crc") ${firstSql()} AS other_crc,
    first_value("_host") ${firstSql()} AS other_host,
    first_value("_arrived_at") ${firstSql()} AS other_arrived_at,
    row_number() OVER (PARTITION BY "_src", "_off" ORDER BY is_fresh, "_arrived_at", "_crc") AS nth
  FROM (
    SELECT "_src", "_off", "_crc", "_host", "_arrived_at", 0 AS is_fresh FROM known WHERE nth = 1
    UNION ALL SELECT "_src", "_off", "_crc", "_host", "_arrived_at", 1 FROM fresh
  ) rivals
) ranked WHERE is_fresh = 1 AND nth > 1`;

function firstSql(): string {
  return `OVER (PARTITION BY "_src", "_off" ORDER BY is_fresh, "_arrived_at", "_crc" ROWS UNBOUNDED PRECEDING)`;
}

/** A pair that is there, in this order or the other, was found before: a table that is loaded anew has it again. */
function insertConflictsSql({ id }: OpenLoad, { name }: Target): string {
  return `INSERT INTO weir.conflicts (
  target, src, "off", crc, host, arrived_at, other_crc, other_host, other_arrived_at, load_id, found_at)
SELECT ${quoteText(name)}, c."_src", c."_off", c."_crc", c."_host", c."_arrived_at",
  c.other_crc, c.other_host, c.other_arrived_at, ${quoteText(id)}, getdate()
FROM conflicting c LEFT JOIN weir.conflicts w
  ON w.target = ${quoteText(name)} AND w.src = c."_src" AND w."off" = c."_off"
  AND ((w.crc = c."_crc" AND w.other_crc = c.other_crc) OR (w.crc = c.other_crc AND w.other_crc = c."_crc"))
WHERE w.target IS NULL`;
}
