import { Command, InvalidArgumentError } from "commander";
import { AccessError } from "../access/access-error.ts";
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
  const { tables } = await place.invokeLoader({
    command: "reload",
    table: table!,
    ...(from !== undefined && { from }),
  });
  if (tables.length === 0) {
    throw new AccessError("REFUSED", `no log type goes to ${table}`, "weir loads names the tables there are");
  }
  const text = tables.map(
    ({ table, cursor }) => `${table}: the log is read again from segment ${cursor.segment} on`,
  );
  text.push("with the loader's next tick; weir loads tells how far it is");
  return { ok: true, json: { ok: true, tables }, text: text.join("\n") };
}

/** @returns in UTC, as the loader takes it */
function time(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("It should be a time, as 2026-11-26T10:00:00Z.");
  return at.toISOString();
}
