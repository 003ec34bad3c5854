import { hostname, userInfo } from "node:os";
import { Command } from "commander";
import type { TablePause } from "../../wire/loader-command.ts";
import { AccessError } from "../access/access-error.ts";
import { onPlace, type Outcome, type PlaceArguments } from "../access/place-command.ts";
import { printable } from "../access/text-table.ts";

interface PauseArguments extends PlaceArguments {
  readonly reason?: string;
}

/** `weir loads pause`: while somebody works on the warehouse, for instance. */
export function pauseLoadsCommand(): Command {
  const command = new Command("pause")
    .description("begin no more loads of a table, or of all; what runs ends, and commits wait in the log")
    .argument("[table]", "schema.table; all tables if absent")
    .option("--reason <text>", "told by weir status, for whoever wonders");
  return onPlace<PauseArguments>(command, async (place, { reason }, table) => {
    const by = `${userInfo().username}@${hostname()}`.slice(0, 64);
    const { tables } = await place.invokeLoader({
      command: "pause",
      by,
      ...(table !== undefined && { table }),
      ...(reason !== undefined && { reason }),
    });
    return told(table, tables);
  });
}

/** `weir loads resume`. */
export function resumeLoadsCommand(): Command {
  const command = new Command("resume")
    .description("load a paused table again, or all of them, from where each stands")
    .argument("[table]", "schema.table; all tables if absent");
  return onPlace<PlaceArguments>(command, async (place, _, table) => {
    const { tables } = await place.invokeLoader({ command: "resume", ...(table !== undefined && { table }) });
    return told(table, tables);
  });
}

function told(asked: string | undefined, tables: readonly TablePause[]): Outcome {
  if (asked !== undefined && tables.length === 0) {
    throw new AccessError("REFUSED", `no log type goes to ${asked}`, "weir loads names the tables there are");
  }
  const text = tables.map(({ table, paused }) => `${table}: ${sentence(paused)}`).join("\n");
  return { ok: true, json: { ok: true, tables }, text };
}

function sentence(paused: TablePause["paused"]): string {
  if (paused === undefined) return "loads go on with the next tick";
  const { since, by, reason } = paused;
  const who = [by && ` by ${by}`, reason && `: ${reason}`].filter(Boolean).join("");
  return printable(`paused since ${since}${who}; a load that runs ends, and commits wait`);
}
