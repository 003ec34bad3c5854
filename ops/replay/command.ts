import { Command, InvalidArgumentError, Option } from "commander";
import type { WeirConfig } from "../../wire/config.ts";
import { onPlace, type PlaceArguments } from "../access/place-command.ts";
import { instant } from "../erase/command.ts";
import { readWhile } from "../access/start.ts";
import type { Done } from "./failure-bucket.ts";
import type { Bound } from "./stream-reader.ts";

export interface ReplayArguments extends PlaceArguments {
  /** Log types. */
  readonly rejected?: readonly string[];
  readonly quarantined?: true;
  readonly since?: Date;
  readonly until?: Date;
  readonly failed?: true;
  readonly object?: readonly string[];
  readonly record?: readonly string[];
  readonly shard?: string;
  readonly from?: Bound;
  readonly to?: Bound;
  readonly inProcess?: true;
  readonly config: string;
  /** Megabytes a second. */
  readonly rate?: number;
  readonly done: Done;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `weir replay`: hands the router once more what it could not process. */
export function replayCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  const command = new Command("replay")
    .description(
      "bring records into the lake that the router could not process; what is there stays as it is",
    )
    .option("--failed", "all batches in the failure bucket")
    .option("--object <key...>", "these objects of the failure bucket")
    .option("--record <file...>", "failure records in a file, as SQS and SNS destinations deliver them")
    .option("--shard <id>", "this shard, with what it was split or merged from and into", shard)
    .option(
      "--from <where>",
      "first record: its sequence number, a time, or so long ago; of all shards without --shard",
      bound,
    )
    .option("--to <where>", "last record, included", bound)
    .option("--rejected <type...>", "rejected lines of these log types, by the present configuration")
    .option("--quarantined", "records that could not be opened, by the present release")
    .option("--since <time>", "of rejected lines and quarantined records, what arrived since then", moment)
    .option("--until <time>", "and before then", moment)
    .option("--in-process", "route here, with the credentials at hand, rather than by the deployed router")
    .option("--config <file>", "log types and settings, for --in-process", "weir.config.ts")
    .option("--rate <megabytes>", "at most so many a second", megabytes)
    .addOption(
      new Option("--done <what>", "with an object whose batch is in the lake")
        .choices(["keep", "move", "remove"])
        .default("move"),
    )
    .addOption(new Option("--dry-run", "say what would be done").conflicts("yes"))
    .option("--yes", "do it without a question");
  return onPlace<ReplayArguments>(command, async (place, options) => {
    // Loaded late: an agent on a host has no use for it.
    if (options.rejected || options.quarantined) {
      const { assertReparseAlone, runReparse } = await import("./reparse/run-reparse.ts");
      assertReparseAlone(options);
      return runReparse(place, options, loadConfig);
    }
    const { runReplay } = await import("./run.ts");
    return runReplay(place, options, loadConfig);
  });
}

/** Sequence numbers have 56 digits; what has few may be a time by somebody else's count. */
const SEQUENCE_NUMBER = /^\d{21,128}$/;

function bound(value: string): Bound {
  if (SEQUENCE_NUMBER.test(value)) return { sequence: BigInt(value) };
  return { at: time(value, "a sequence number, ") };
}

/** @param other what else it may be */
function time(value: string, other = ""): Date {
  if (value === "now") return new Date();
  if (/^\d+[smhd]$/.test(value)) return new Date(Date.now() - readWhile(value));
  try {
    return new Date(instant(value));
  } catch {
    throw new InvalidArgumentError(
      `It should be ${other}a time such as 2026-11-21T10:00:00Z, a while ago such as 90s, 15m, 2h or 7d, or now.`,
    );
  }
}

const moment = (value: string): Date => time(value);

/** As Kinesis writes it, or its number alone. */
function shard(value: string): string {
  const digits = /^(?:shardId-)?(\d{1,12})$/.exec(value)?.[1];
  if (digits === undefined) throw new InvalidArgumentError("It should be as shardId-000000000003, or 3.");
  return `shardId-${digits.padStart(12, "0")}`;
}

function megabytes(value: string): number {
  const rate = Number(value);
  if (!(rate > 0 && rate < 1e6))
    throw new InvalidArgumentError("It should be a number of megabytes, as 0.5.");
  return rate;
}
