import { Command } from "commander";
import { pauseLoadsCommand, resumeLoadsCommand } from "./pause.ts";
import { retryCommand, skipCommand } from "./refused.ts";
import { reloadCommand } from "./reload.ts";
import { statusCommand } from "./status.ts";

/** `weir loads`: the loader's tables, and what can be done about them. Each is a subcommand, `status` unless named. */
export function loadsCommand(): Command {
  return new Command("loads")
    .description("how far each table of the warehouse is, and what to do about one that is not")
    .addCommand(statusCommand(), { isDefault: true })
    .addCommand(pauseLoadsCommand())
    .addCommand(resumeLoadsCommand())
    .addCommand(reloadCommand())
    .addCommand(retryCommand())
    .addCommand(skipCommand());
}
