import { type ColumnType, parseColumnType } from "../../wire/column-type.ts";
import { PREFIX } from "../../wire/keys.ts";
import { type Column, type LogType, rowColumns } from "../../wire/log-type.ts";
import { quoteName, quoteText } from "../../wire/sql-text.ts";

/**
 * What makes a type's rows in the lake a table, with columns as the configuration has them: decimals, and whole numbers
 * beyond 2^53, are texts there, so that no reader of JSON rounds them. A line that came twice is one row where both are
 * filed under one hour: over all hours a reader could not leave out those that nobody asks for.
 */
export interface LakeSql {
  readonly type: LogType;
  /** `s3://bucket`, or a folder with the same keys. */
  readonly lake: string;
}

/** Limit of Redshift's SUPER; more is no row. */
const ROW_MAX_BYTES = 64 * 2 ** 20;

/** A view for DuckDB. */
export function duckdbSql({ type, lake }: LakeSql): string {
  const columns = rowColumns(type).map(
    (column) => `    ${quoteName(column.name)}: ${quoteText(duckdbType(typeOf(column)))}`,
  );
  const clash = clashes(type);
  const hive = clash
    ? "hive_partitioning = false"
    : "hive_partitioning = true, hive_types = {'type': VARCHAR, 'dt': DATE, 'hr': VARCHAR}";
  return `CREATE OR REPLACE VIEW ${quoteName(type.name)} AS
SELECT *${clash ? "" : " EXCLUDE (type)"}
FROM read_json(${quoteText(`${folder(lake, type)}dt=*/hr=*/*.ndjson.*`)},
  format = 'newline_delimited', maximum_object_size = ${ROW_MAX_BYTES}, ${hive},
  columns = {
${columns.join(",\n")}
  })
QUALIFY row_number() OVER (PARTITION BY ${clash ? "" : "dt, hr, "}${IDENTITY} ORDER BY _arrived_at) = 1;`;
}

/**
 * A table of texts for Athena, and a view of it. Partitions are projected, so that none has to be added.
 *
 * @param from the first day that is looked at, YYYY-MM-DD
 */
export function athenaSql({ type, lake }: LakeSql, from: string): string {
  const columns = rowColumns(type);
  const texts = columns.map(({ name }) => `  \`${name}\` string`);
  const casts = columns.map((column) => `  ${athenaValue(column)} AS ${quoteName(column.name)}`);
  const [day, hour] = clashes(type) ? ["_dt", "_hr"] : ["dt", "hr"];
  const at = folder(lake, type);
  const hours = Array.from({ length: 24 }, (_, i) => `${i}`.padStart(2, "0")).join(",");
  const properties = {
    "projection.enabled": "true",
    [`projection.${day}.type`]: "date",
    [`projection.${day}.format`]: "yyyy-MM-dd",
    [`projection.${day}.range`]: `${from},NOW+1DAYS`,
    [`projection.${hour}.type`]: "enum",
    [`projection.${hour}.values`]: hours,
    "storage.location.template": `${at}dt=\${${day}}/hr=\${${hour}}/`,
  };
  const listed = Object.entries(properties).map(([name, value]) => `  '${name}' = ${quoteText(value)}`);
  return `-- rows of before ${from}, and of later than tomorrow, are not looked at
CREATE EXTERNAL TABLE \`${type.name}_lines\` (
${texts.join(",\n")}
)
PARTITIONED BY (\`${day}\` string, \`${hour}\` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('case.insensitive' = 'false')
LOCATION ${quoteText(at)}
TBLPROPERTIES (
${listed.join(",\n")}
);

CREATE OR REPLACE VIEW ${quoteName(type.name)} AS
SELECT
${casts.join(",\n")},
  ${day},
  ${hour}
FROM (
  SELECT *, row_number() OVER (PARTITION BY ${day}, ${hour}, ${IDENTITY} ORDER BY _arrived_at) AS _copy
  FROM ${quoteName(`${type.name}_lines`)}
)
WHERE _copy = 1;`;
}

const IDENTITY = "_src, _off, _crc";

const folder = (lake: string, { name }: LogType): string =>
  `${lake.replace(/\/+$/, "")}/${PREFIX.data}type=${name}/`;

/** Readers take what a key says of a row for columns, which a type may have of its own. */
const clashes = ({ columns }: LogType): boolean =>
  columns.some(({ name }) => ["type", "dt", "hr"].includes(name));

/** The configuration has been checked. */
const typeOf = ({ type }: Column): ColumnType => parseColumnType(type)!;

function duckdbType(type: ColumnType): string {
  if (type.kind === "super") return "JSON";
  if (type.kind === "decimal") return `DECIMAL(${type.precision},${type.scale})`;
  return isText(type) ? "VARCHAR" : type.kind.toUpperCase();
}

/** Athena's views have no time with a zone: all times are UTC. */
function athenaValue(column: Column): string {
  const type = typeOf(column);
  const name = quoteName(column.name);
  if (type.kind === "super" || isText(type)) return name;
  if (type.kind === "decimal") return `CAST(${name} AS decimal(${type.precision},${type.scale}))`;
  if (type.kind === "timestamptz") return `CAST(replace(${name}, '+00', '') AS timestamp)`;
  return `CAST(${name} AS ${type.kind === "double precision" ? "double" : type.kind})`;
}

const isText = ({ kind }: ColumnType): boolean => kind === "varchar" || kind === "char";
