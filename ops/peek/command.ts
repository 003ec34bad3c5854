import { Command, InvalidArgumentError, Option } from "commander";
import type { WeirConfig } from "../../wire/config.ts";
import { onPlace, type PlaceArguments } from "../access/place-command.ts";
import { readStart, readWhile, type Start } from "../access/start.ts";

export interface PeekArguments extends PlaceArguments {
  readonly type?: readonly string[];
  readonly tag?: readonly string[];
  readonly host?: readonly string[];
  readonly grep?: string;
  readonly since: Start;
  /** False to end with what is there. */
  readonly follow: boolean;
  readonly count?: number;
  /** Milliseconds. */
  readonly for?: number;
  readonly provenance?: true;
  readonly color: "auto" | "always" | "never";
  readonly config?: string;
}

/** `weir peek`: what is on the stream, event by event, as it comes. */
export function peekCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  const command = new Command("peek")
    .description(
      "show the events on the stream as they come, over all shards, until Ctrl-C; in order within a shard",
    )
    .option("--type <name>", "only events of this log type; may be repeated", listed)
    .option("--tag <tag>", "only events of this tag, * for any characters; may be repeated", listed)
    .option("--host <host>", "only events of this host, * for any characters; may be repeated", listed)
    .option("--grep <pattern>", "only events that this regular expression is found in")
    .addOption(
      new Option("--since <time>", "begin at a time, so long ago (90s, 15m, 2h, 7d), or at TRIM_HORIZON")
        .argParser((value) => readStart(value))
        .default("LATEST", "with what comes now"),
    )
    .option("--no-follow", "end with what is on the stream by now")
    .option("--count <events>", "end after so many were shown", positive)
    .option("--for <time>", "end after so long, such as 30s or 5m", readWhile)
    .option("--provenance", "say where each event is from: shard, sequence number, source, offset, path")
    .addOption(
      new Option("--color <when>", "on a terminal that has colours, always, or never")
        .choices(["auto", "always", "never"])
        .default("auto"),
    )
    .option("--config <file>", "log types; weir.config.ts if there is one");
  return onPlace<PeekArguments>(command, async (place, options) => {
    // Loaded late: an agent on a host has no use for it.
    const { runPeek } = await import("./run.ts");
    await runPeek(place, options, loadConfig);
    return undefined;
  });
}

const listed = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

function positive(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError("It should be a whole number from 1 on.");
  return Number(value);
}
