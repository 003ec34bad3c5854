import { Command, InvalidArgumentError } from "commander";
import type { TableStatus } from "../../wire/loader-command.ts";
import { onPlace, type Outcome, type PlaceArguments } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import { duration, printable, textTable } from "../access/text-table.ts";

interface StatusArguments extends PlaceArguments {
  /** Minutes. */
  readonly maxLag: number;
}

const COLUMNS = [
  { title: "table" },
  { title: "condition" },
  { title: "lag", right: true },
  { title: "open rows", right: true },
  { title: "unread commits", right: true },
  { title: "refused rows", right: true },
] as const;

export function statusCommand(): Command {
  const command = new Command("status")
    .description("print how far each table is; the exit code is 0 only if all of them are well")
    .option("--max-lag <minutes>", "a table that is further behind is not well", minutes, 60);
  return onPlace<StatusArguments>(command, status);
}

async function status(place: Place, { maxLag }: StatusArguments): Promise<Outcome> {
  const { tables } = await place.invokeLoader({ command: "status" });
  const judged = tables.map((table) => ({ ...table, ok: isWell(table, maxLag * 60) }));
  const ok = judged.every((table) => table.ok);
  const remarks = judged
    .filter(({ condition, ok }) => !ok || condition !== "loaded")
    .map(({ table, text }) => `${table}: ${printable(text)}`);
  const text = [
    place.title,
    textTable(COLUMNS, tables.map(row)),
    ...(remarks.length > 0 ? [remarks.join("\n")] : []),
  ];
  return { ok, json: { ok, tables: judged }, text: text.join("\n\n") };
}

export function isWell(table: TableStatus, maxLagSeconds: number): boolean {
  const { condition, lagSeconds, load, setAside, refused, erasureFailure, paused } = table;
  if (condition === "failed" || paused || lagSeconds > maxLagSeconds) return false;
  if (setAside.length > 0 || refused || erasureFailure) return false;
  // Nobody goes on with what is open of a table that no log type names.
  return condition !== "unconfigured" || load === undefined;
}

function row({ table, condition, lagSeconds, load, setAside, refused }: TableStatus): string[] {
  const commits = setAside.reduce((sum, { commits }) => sum + commits, 0);
  const counted = (count: number | undefined): string => (count ? count.toLocaleString("en-US") : "-");
  const lag = lagSeconds === 0 ? "-" : duration(lagSeconds);
  return [table, condition, lag, counted(load?.rows), counted(commits), counted(refused?.rows)];
}

function minutes(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError("It should be a whole number of minutes.");
  return Number(value);
}
