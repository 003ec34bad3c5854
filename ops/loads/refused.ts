import { Command } from "commander";
import type { TableRetry } from "../../wire/loader-command.ts";
import { AccessError } from "../access/access-error.ts";
import { onPlace, type Outcome, type PlaceArguments } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";

interface SkipArguments extends PlaceArguments {
  readonly object?: string;
}

/** `weir loads retry`: once what a load failed by, or what the warehouse refused, is mended. */
export function retryCommand(): Command {
  const command = new Command("retry")
    .description("try a table's failed load again, and the objects that the warehouse refused")
    .argument("<table>", "schema.table");
  return onPlace(command, async (place: Place, _: PlaceArguments, table?: string) => {
    const { tables } = await place.invokeLoader({ command: "retry", table: table! });
    return told(table!, tables, ({ objects, rows, load }) => {
      const due = [
        ...(load ? ["its failed load"] : []),
        ...(objects > 0 ? [`${objects} objects of ${rows} rows`] : []),
      ];
      return due.length === 0
        ? "no load has failed, and nothing is set aside"
        : `to be tried with the next tick: ${due.join(", ")}`;
    });
  });
}

/** `weir loads skip`: where nobody wants what the warehouse refused. */
export function skipCommand(): Command {
  const command = new Command("skip")
    .description("give up objects that the warehouse refused for a table; they stay in the lake")
    .argument("<table>", "schema.table")
    .option("--object <key>", "the one that is meant; all of them unless said");
  return onPlace<SkipArguments>(command, async (place: Place, { object }: SkipArguments, table?: string) => {
    const { tables } = await place.invokeLoader({
      command: "skip",
      table: table!,
      ...(object !== undefined && { object }),
    });
    return told(table!, tables, ({ objects, rows }) =>
      objects === 0 ? "nothing waits any more" : `${objects} objects of ${rows} rows still wait`,
    );
  });
}

function told(
  table: string,
  tables: readonly TableRetry[],
  sentence: (table: TableRetry) => string,
): Outcome {
  if (tables.length === 0) {
    throw new AccessError("REFUSED", `no log type goes to ${table}`, "weir loads names the tables there are");
  }
  const text = tables.map((one) => `${one.table}: ${sentence(one)}`).join("\n");
  return { ok: true, json: { ok: true, tables }, text };
}
