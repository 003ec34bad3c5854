import type { FluentdSection } from "../fluentd-syntax.ts";
import { withTypes } from "./fluentd-field-types.ts";
import type { TimeReading } from "./fluentd-time.ts";
import type { ImportedFormat } from "./imported-format.ts";

/** Puts the time in, which is a field of the record only where it is kept, and the types that are said. */
export function timed(
  format: ImportedFormat,
  parse: FluentdSection,
  {
    key,
    field = key,
    reading,
  }: { readonly key: string; readonly field?: string; readonly reading: TimeReading },
): ImportedFormat {
  const { time, remark } = reading;
  const fields = new Map(format.fields);
  const isKept = parse.parameters.get("keep_time_key") === "true";
  fields.delete(key);
  if (time === undefined) fields.set(key, { field, type: "varchar(64)" });
  else if (isKept) fields.set(key, { field, type: "timestamp" });
  const remarks = [...format.remarks, ...(remark === undefined ? [] : [remark])];
  return withTypes({ ...format, fields, remarks, ...(time && { time: { field, ...time } }) }, parse);
}
