import { Command } from "commander";
import type { ReadConfig } from "../../wire/config.ts";
import { jsonOption, print } from "../access/place-command.ts";

/** `weir check`: whether a configuration can be deployed, without a cloud. */
export function checkCommand(readConfig: (file: string) => Promise<ReadConfig>): Command {
  return new Command("check")
    .description("check a configuration, and tell all that is wrong with it and where; 1 if anything is")
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .addOption(jsonOption())
    .action(({ config, json }: { config: string; json?: true }) =>
      print(json, async () => {
        // Loaded late: an agent on a host has no use for the router.
        const { checkConfig } = await import("./run.ts");
        return checkConfig(config, readConfig);
      }),
    );
}
