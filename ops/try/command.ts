import { Command, InvalidArgumentError } from "commander";
import type { WeirConfig } from "../../wire/config.ts";
import { jsonOption, print } from "../access/place-command.ts";

export interface TryArguments {
  readonly config: string;
  readonly start?: string;
  readonly tag?: string;
  readonly lines: number;
  readonly rows: number;
  readonly rejects: number;
  readonly watch?: true;
  readonly json?: true;
}

/** `weir try`: what becomes of a file's lines as a log type, without a cloud. */
export function tryCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  return new Command("try")
    .description("show the rows and the rejected lines that a log type makes of a file; 1 if any is rejected")
    .argument("<type>", "a log type of the configuration")
    .argument("<file>", "a file of its lines, also packed with gzip or zstd; - for stdin")
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .option(
      "--start <pattern>",
      "a line that matches begins an event, as the agent's multi_line.start has it",
    )
    .option(
      "--tag <tag>",
      "under which the lines come, for columns that are made of it; the type's first if absent",
    )
    .option("--lines <count>", "lines that are looked at, from the beginning", count, 50_000)
    .option("--rows <count>", "rows that are shown", count, 3)
    .option("--rejects <count>", "rejected lines that are shown", count, 10)
    .option("--watch", "again whenever the configuration or the file has changed")
    .addOption(jsonOption())
    .action(async (type: string, file: string, options: TryArguments) => {
      // Loaded late: an agent on a host has no use for the router.
      if (options.watch && file !== "-")
        await (await import("./watch.ts")).watchAndRun([options.config, file]);
      const { tryFile } = await import("./run.ts");
      await print(options.json, () => tryFile(type, file, options, loadConfig));
    });
}

function count(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("It should be a whole number.");
  return Number(value);
}
