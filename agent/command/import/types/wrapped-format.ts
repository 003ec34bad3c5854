import type { ImportedFormat } from "./imported-format.ts";

/**
 * A format that is in a field of another one.
 *
 * @param keepsTime whether the outer line's time is the event's, though the inner one has one
 * @returns the outer one where it cannot be
 */
export function within(
  outer: ImportedFormat,
  key: string,
  inner: ImportedFormat,
  keepsTime = false,
): ImportedFormat {
  const source = outer.fields.get(key) ?? { field: key };
  const wrapper = outer.parse.format;
  const isWrapper = /^(?:json|cri|syslog|rfc5424|ltsv|logfmt)$/.test(wrapper);
  if (outer.parse.from !== undefined || !isWrapper || !("field" in source) || key === "") {
    const remark = `${key} is parsed once more in Fluentd, which a type cannot of ${wrapper}: it is left as it is`;
    return { ...outer, remarks: [...outer.remarks, remark] };
  }
  const { field } = source;
  const from = wrapper === "json" ? field : { field, format: wrapper as "cri" };
  const others = [...outer.fields].filter(([name]) => name !== key);
  const time = outer.time && (keepsTime || !inner.time) ? outerTime(outer.time, inner) : inner.time;
  const isOwn = time !== undefined && time !== inner.time && inner.isOpen;
  const remark = `where the line in ${field} has a field ${outer.time?.field} too, that is taken for its time`;
  return {
    ...inner,
    parse: { ...inner.parse, from },
    fields: new Map([...others, ...inner.fields]),
    isOpen: outer.isOpen || inner.isOpen,
    ...(time && { time }),
    remarks: [
      ...outer.remarks,
      ...(time === inner.time
        ? inner.remarks
        : inner.remarks.filter((one) => !one.includes("event time is arrival time"))),
      ...(isOwn ? [remark] : []),
    ],
  };
}

/** A field of the inner line keeps its name, and that of the outer one stands below `outer` then. */
function outerTime(time: NonNullable<ImportedFormat["time"]>, inner: ImportedFormat): ImportedFormat["time"] {
  const isTaken = [...inner.fields.values()].some(
    (source) => "field" in source && source.field === time.field,
  );
  return isTaken || inner.time?.field === time.field ? { ...time, field: `outer.${time.field}` } : time;
}
