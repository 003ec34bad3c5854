import type { DataApi, Value } from "../data-api.ts";
import { LoaderError } from "../loader-error.ts";
import type { SchemaConflict } from "../table-schema.ts";
import { quoteName, quoteText, tableSql, type Target } from "../target.ts";

/**
 * Encodings, distribution and sort key of a table, which the loader never changes: that rewrites the table, for hours
 * where it is large. It says how a person does.
 */
export async function attributeConflicts(target: Target, api: DataApi): Promise<SchemaConflict[]> {
  const columns = (await askIfAllowed(columnsSql(target), api)).map(columnAttributes);
  const [style] = await askIfAllowed(styleSql(target), api);
  return [
    ...distributionConflicts(target, columns, style?.[0] === undefined ? undefined : Number(style[0])),
    ...sortConflicts(target, columns),
    ...encodingConflicts(target, columns),
  ];
}

interface ColumnAttributes {
  readonly name: string;
  readonly encoding: string | undefined;
  readonly isDistributionKey: boolean | undefined;
  /** Position in the sort key from 1, 0 for none, below 0 in an interleaved one. */
  readonly sortPosition: number | undefined;
}

function columnAttributes([name, encoding, distkey, sortkey]: Value[]): ColumnAttributes {
  const text = String(encoding ?? "").toLowerCase();
  return {
    name: String(name),
    encoding: text === "" ? undefined : text === "none" ? "raw" : text,
    isDistributionKey: distkey === undefined ? undefined : /^t|^1/i.test(String(distkey)),
    sortPosition: sortkey === undefined ? undefined : Number(sortkey),
  };
}

/** source: SVV_REDSHIFT_COLUMNS, Redshift database developer guide, read 2026-11 */
const columnsSql = ({ schema, table }: Target): string => `SELECT column_name, encoding, distkey, sortkey
FROM svv_redshift_columns WHERE database_name = current_database()
  AND schema_name = ${quoteText(schema)} AND table_name = ${quoteText(table)}
ORDER BY ordinal_position`;

/** source: PG_CLASS_INFO, Redshift database developer guide, read 2026-11 */
const styleSql = ({ schema, table }: Target): string => `SELECT c.releffectivediststyle
FROM pg_class_info c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ${quoteText(schema)} AND c.relname = ${quoteText(table)}`;

const STYLES: Readonly<Record<number, string>> = {
  0: "even",
  1: "key",
  8: "all",
  10: "auto",
  11: "auto",
  12: "auto",
};

/** What the loader may not see is not compared. */
async function askIfAllowed(sql: string, api: DataApi): Promise<Value[][]> {
  try {
    return await api.ask([sql]);
  } catch (error) {
    if (error instanceof LoaderError && error.code === "STATEMENT") return [];
    throw error;
  }
}

const REWRITES =
  "the table is loaded as it is; a person can change it, and Redshift rewrites the table meanwhile";

function distributionConflicts(
  target: Target,
  columns: readonly ColumnAttributes[],
  style: number | undefined,
): SchemaConflict[] {
  const there = style === undefined ? undefined : STYLES[style];
  if (there === undefined) return [];
  const key = columns.find(({ isDistributionKey }) => isDistributionKey)?.name;
  const { distribution } = target;
  const wanted = typeof distribution === "object" ? "key" : distribution;
  const wantedKey = typeof distribution === "object" ? distribution.key : undefined;
  if (there === wanted && (wanted !== "key" || key === wantedKey)) return [];
  const named = (style: string, key: string | undefined): string => (style === "key" ? `by ${key}` : style);
  return [
    {
      subject: "distribution",
      reason: `distribution is ${named(there, key)} there and ${named(wanted, wantedKey)} in the configuration`,
      stops: false,
      wayOut: REWRITES,
      sql: [`ALTER TABLE ${tableSql(target)} ALTER ${distributionClause(target)}`],
    },
  ];
}

const distributionClause = ({ distribution }: Target): string =>
  typeof distribution === "object"
    ? `DISTSTYLE KEY DISTKEY ${quoteName(distribution.key)}`
    : `DISTSTYLE ${distribution.toUpperCase()}`;

function sortConflicts(target: Target, columns: readonly ColumnAttributes[]): SchemaConflict[] {
  const known = columns.filter(({ sortPosition }) => sortPosition !== undefined);
  // Without a key in the configuration Redshift chooses one by itself.
  if (known.length === 0 || target.sort.length === 0) return [];
  const there = known
    .filter(({ sortPosition }) => sortPosition !== 0)
    .toSorted((a, b) => Math.abs(a.sortPosition!) - Math.abs(b.sortPosition!));
  const names = there.map(({ name }) => name).join(", ");
  const isInterleaved = there.some(({ sortPosition }) => sortPosition! < 0);
  const wanted = target.sort.join(", ");
  if (names === wanted && !isInterleaved) return [];
  return [
    {
      subject: "sort key",
      reason: `sort key is ${names || "none"}${isInterleaved ? ", interleaved," : ""} there and ${wanted} in the configuration`,
      stops: false,
      wayOut: REWRITES,
      sql: [
        `ALTER TABLE ${tableSql(target)} ALTER COMPOUND SORTKEY (${target.sort.map(quoteName).join(", ")})`,
      ],
    },
  ];
}

function encodingConflicts(target: Target, columns: readonly ColumnAttributes[]): SchemaConflict[] {
  const there = new Map(columns.map(({ name, encoding }) => [name, encoding]));
  return target.columns.flatMap(({ name, encode }) => {
    const encoding = there.get(name);
    if (encode === undefined || encoding === undefined || encoding === encode) return [];
    return [
      {
        subject: name,
        reason: `${name} is encoded by ${encoding} there and by ${encode} in the configuration`,
        stops: false,
        wayOut: REWRITES,
        sql: [`ALTER TABLE ${tableSql(target)} ALTER COLUMN ${quoteName(name)} ENCODE ${encode}`],
      },
    ];
  });
}
