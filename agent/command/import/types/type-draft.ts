import { columnNameNear } from "../../../../wire/log-type.ts";
import type { FluentdRecord } from "./fluentd-record.ts";
import {
  type ColumnInput,
  type ImportedField,
  type LogTypeInput,
  textType,
  type TypeDraft,
} from "./imported-format.ts";

/** The origin and the destinations of a type. */
export interface Placed {
  readonly line: number;
  readonly tags: readonly string[];
  readonly destinations: LogTypeInput["destinations"];
}

type Shaped = Pick<FluentdRecord, "format" | "fields" | "drops" | "removed">;

/** Fluentd refused no line for a value, and so such a one is kept beside its column. */
const KEPT = "extra" as const;

export function draftOf(
  { format, fields, drops, removed }: Shaped,
  { line, tags, destinations }: Placed,
): TypeDraft {
  const { time, nulls, isOpen } = format;
  const columns = columnsOf(fields, isOpen);
  const remarks = [...format.remarks];
  if (columns.length === 0) {
    columns.push({ name: "tag", field: "_tag", type: "varchar(128)" });
    remarks.push(
      "which fields there are nothing says: all are kept in _extra. `weir infer` makes columns of lines",
    );
  }
  const remove = [...removed].filter(
    (field) => field !== time?.field && !columns.some((column) => column.field === field),
  );
  return {
    line,
    remarks,
    type: {
      name: columnNameNear(tags[0]!) ?? "events",
      match: { tags: [...tags] },
      parse: format.parse,
      ...(time && { time: { ...time } }),
      ...(nulls && { nulls: [...nulls] }),
      ...(drops.length > 0 && { drop: drops.join(" || ") }),
      ...(remove.length > 0 && { remove }),
      columns,
      ...(destinations && destinations.length > 1 && { destinations }),
    },
  };
}

/** Two fields may come to the same name. */
function columnsOf(fields: ReadonlyMap<string, ImportedField>, isOpen: boolean): ColumnInput[] {
  const names = new Set<string>();
  return [...fields].map(([theirs, field]) => {
    const near = columnNameNear(theirs) ?? "field";
    let [name, i] = [near, 2];
    while (names.has(name)) name = `${near}_${i++}`;
    names.add(name);
    return columnOf(name, theirs, field, isOpen);
  });
}

function columnOf(name: string, theirs: string, field: ImportedField, isOpen: boolean): ColumnInput {
  const ours = "field" in field && Object.hasOwn(FIELDS, field.field) ? FIELDS[field.field] : undefined;
  const type = field.type ?? ours ?? textType(theirs);
  const source =
    "value" in field ? { value: field.value } : field.field === name ? {} : { field: field.field };
  // Texts of a format of text fit but for their length; what JSON has may be anything.
  const isTaken = "field" in field && ours === undefined;
  const mayMisfit = isTaken && type !== "super" && (isOpen || !type.startsWith("varchar"));
  return {
    name,
    ...source,
    type,
    ...(field.time && { time: field.time }),
    ...(mayMisfit && { onMisfit: KEPT }),
  };
}

const FIELDS: Readonly<Record<string, string>> = {
  _tag: "varchar(128)",
  _host: "varchar(255)",
  _path: "varchar(4096)",
};
