import { Command, InvalidArgumentError } from "commander";
import { onPlace, type Outcome, type PlaceArguments } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";

interface ReloadArguments extends PlaceArguments {
  readonly from?: string;
}

export function reloadCommand(): Command {
  const command = new Command("reload")
    .description("load what a table lacks from the lake again; what it has stays, and is not there twice")
    .argument("<table>", "schema.table")
    .option(
      "--from <time>",
      "what was written since then, as 2026-11-26T10:00:00Z; all of it unless said",
      time,
    );
  return onPlace<ReloadArguments>(command, reload);
}

async function reload(place: Place, { from }: ReloadArguments, table?: string): Promise<Outcome> {
  const { cursor } = await place.invokeLoader({
    command: "reload",
    table: table!,
    ...(from !== undefined && { from }),
  });
  const since = from === undefined ? "its beginning" : from;
  const text = `${table}: the log is read again from ${since}, segment ${cursor.segment}, with the loader's next tick. How far it is: weir loads`;
  return { ok: true, json: { ok: true, table, cursor }, text };
}

/** @returns in UTC, as the loader takes it */
function time(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("It should be a time, as 2026-11-26T10:00:00Z.");
  return at.toISOString();
}
