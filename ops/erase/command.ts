import { hostname, userInfo } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import type { WeirConfig } from "../../wire/config.ts";
import { onPlace, type PlaceArguments } from "../access/place-command.ts";

export interface EraseArguments extends PlaceArguments {
  readonly type?: string;
  readonly where?: string;
  readonly contains?: string;
  readonly since?: string;
  readonly until?: string;
  readonly again?: string;
  readonly resume?: string;
  readonly list?: true;
  readonly reason?: string;
  readonly by: string;
  readonly yes?: true;
  /** Minutes. */
  readonly wait: number;
  readonly config: string;
}

/** `weir erase`: takes lines out of the lake and the warehouse, and keeps them away. */
export function eraseCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  const command = new Command("erase")
    .description(
      "take lines out of lake and warehouse for good; says what it would take unless there is --yes",
    )
    .option("--type <name>", "log type of the lines")
    .option("--where <condition>", `rows with these values, such as "user_id = 42 AND tenant IN ('a', 'b')"`)
    .option("--contains <text>", "rows and rejected lines with this text in them")
    .option("--since <time>", "only lines of this event time or later", instant)
    .option("--until <time>", "only lines from before this event time", instant)
    .addOption(
      new Option("--again <id>", "what this erasure took and that has come again").conflicts(CONDITIONS),
    )
    .addOption(
      new Option("--resume <id>", "go on with this erasure, which is not done").conflicts(CONDITIONS),
    )
    .addOption(new Option("--list", "print all erasures").conflicts(["resume", "again", ...CONDITIONS]))
    .option("--reason <text>", "kept with the erasure")
    .option("--by <name>", "who erases; kept with the erasure", `${userInfo().username}@${hostname()}`)
    .option("--yes", "erase")
    .option("--wait <minutes>", "for the warehouse, and loads that are open", minutes, 15)
    .option("--config <file>", "log types and settings", "weir.config.ts");
  return onPlace<EraseArguments>(command, async (place, options) => {
    // Loaded late: an agent on a host has no use for it.
    const { runErase } = await import("./run.ts");
    return runErase(place, options, loadConfig);
  });
}

const CONDITIONS = ["type", "where", "contains", "since", "until"];

function minutes(value: string): number {
  if (!/^\d{1,5}$/.test(value)) throw new InvalidArgumentError("It should be a whole number of minutes.");
  return Number(value);
}

/** A time of the command line: ISO 8601, in UTC where it says nothing else. */
export function instant(value: string): string {
  const isDate = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(value);
  const hasZone = /(?:Z|[+-]\d\d:\d\d)$/.test(value) || !value.includes("T");
  const at = new Date(hasZone ? value : `${value}Z`);
  const day = value.slice(0, 10);
  // The 31st of February would be some day in March.
  const isDay = !Number.isNaN(Date.parse(day)) && new Date(day).toISOString().startsWith(day);
  if (!isDate || !isDay || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("It should be a time such as 2026-11-21 or 2026-11-21T10:00:00Z.");
  return at.toISOString();
}
