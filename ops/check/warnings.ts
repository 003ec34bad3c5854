import { globMatcher } from "../../lambdas/router/log-types.ts";
import { takesValue } from "../../wire/computed-column.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { TYPE_NAMES } from "../../wire/expression/value.ts";
import { fieldWarnings } from "../../wire/field-problems.ts";
import { fieldType, formatFields } from "../../wire/format-fields.ts";
import type { LogType } from "../../wire/log-type.ts";
import { warehousesOf } from "../../wire/warehouses.ts";

interface Warning {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is allowed, and certainly does not do what it looks like. */
export function* configWarnings(config: WeirConfig): Generator<Warning> {
  const { types } = config;
  yield* tagWarnings(types);
  for (const [i, type] of types.entries()) {
    for (const { path, message } of typeWarnings(type)) yield { path: ["types", i, ...path], message };
  }
  const isLoaded = types.some(({ destinations }) => destinations.some(({ to }) => to === "redshift"));
  if (warehousesOf(config).length > 0 && !isLoaded)
    yield { path: ["warehouse"], message: 'no type has a destination { to: "redshift" }: nothing is loaded' };
}

/** The first type that matches wins. */
function* tagWarnings(types: readonly LogType[]): Generator<Warning> {
  const earlier: { readonly takes: (tag: string) => boolean; readonly by: string }[] = [];
  for (const [i, { name, match }] of types.entries()) {
    const tags = match?.tags ?? [name];
    for (const [j, tag] of tags.entries()) {
      // The * of a tag is taken by a * alone: what takes it takes all that it stands for.
      const taken = earlier.find(({ takes }) => takes(tag));
      const path = match ? ["types", i, "match", "tags", j] : ["types", i, "name"];
      if (taken) yield { path, message: `the tag "${tag}" never comes here: ${taken.by} takes it before` };
    }
    for (const tag of tags) earlier.push({ takes: globMatcher(tag), by: `types[${i}] "${name}"` });
  }
}

function* typeWarnings(type: LogType): Generator<Warning> {
  yield* fieldWarnings(type);
  const { time, parse, columns } = type;
  const fields = formatFields(parse);
  if (time) yield* zoneWarnings(time, ["time"]);
  for (const [i, column] of columns.entries()) {
    const path = ["columns", i];
    if (column.time) yield* zoneWarnings(column.time, [...path, "time"]);
    const field = column.field ?? column.name;
    const found = column.value === undefined ? fieldType(field, fields) : undefined;
    if (found !== undefined && !takesValue(column, found))
      yield {
        path: [...path, "type"],
        message: `${field} is ${TYPE_NAMES[found]}, no value for ${column.type}`,
      };
  }
}

/** Formats whose times say themselves where they are. */
const ABSOLUTE = /^(?:epoch|clf$)|%[zsQ]/;

function* zoneWarnings(
  { format, zone, abbreviations }: NonNullable<LogType["time"] | LogType["columns"][number]["time"]>,
  path: Warning["path"],
): Generator<Warning> {
  if (zone !== undefined && ABSOLUTE.test(format))
    yield {
      path: [...path, "zone"],
      message: `times of the format ${format} name their own: it is not used`,
    };
  if (abbreviations !== undefined && !format.includes("%Z"))
    yield { path: [...path, "abbreviations"], message: "only %Z in the format finds any: they are not used" };
}
