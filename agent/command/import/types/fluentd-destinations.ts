import { type FluentdSection, typeOf } from "../fluentd-syntax.ts";
import { holdsRuby } from "../fluentd-value.ts";
import { identifier } from "../../../../wire/log-type.ts";
import { schemaNameProblem, tableNameProblem } from "../../../../wire/redshift-names.ts";
import type { Notes } from "../imported.ts";
import type { LogTypeInput } from "./imported-format.ts";

type Destination = NonNullable<LogTypeInput["destinations"]>[number];

/** Destinations of rows, as the outputs said: tables of Redshift's besides the lake. */
export function destinationsOf(outputs: readonly FluentdSection[], notes: Notes): Destination[] {
  const tables = outputs
    .filter((output) => typeOf(output).startsWith("redshift"))
    .map((output) => tableOf(output, notes));
  return [{ to: "s3" }, ...tables];
}

function tableOf({ parameters, lines }: FluentdSection, notes: Notes): Destination {
  const name = (key: string, problem: (name: string) => string | undefined): string | undefined => {
    const value = parameters.get(key);
    if (value === undefined || value === "") return undefined;
    const isName = identifier.safeParse(value).success && problem(value) === undefined;
    if (!isName) {
      const shown =
        holdsRuby(value) || value.includes("$") ? "is not one name" : `${value} is no name of a table here`;
      notes.add(lines.get(key), `${key}: left out, it ${shown}; the type's name is taken`);
    }
    return isName ? value : undefined;
  };
  const schema = name("redshift_schemaname", schemaNameProblem);
  const table = name("redshift_tablename", tableNameProblem);
  return { to: "redshift", ...(schema !== undefined && { schema }), ...(table !== undefined && { table }) };
}
