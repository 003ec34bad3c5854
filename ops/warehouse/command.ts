import { Command, Option } from "commander";
import { ConfigError, type WeirConfig } from "../../wire/config.ts";
import { grantsScript, warehouseTables } from "../../wire/loader-grants.ts";
import { databaseUser, loaderRoleName } from "../../wire/loader-role.ts";

interface GrantsArguments {
  readonly stack: string;
  readonly region: string;
  readonly config: string;
}

/** `weir warehouse`: what is done in the warehouse by hand. */
export function warehouseCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  const command = new Command("warehouse").description("what an administrator of the warehouse does by hand");
  command
    .command("grants")
    .description("print the SQL that lets the loader load; run it in the database as an administrator")
    .option("--stack <name>", "the stack that loads", "Weir")
    .addOption(new Option("--region <region>", "its region").env("AWS_REGION").makeOptionMandatory())
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .action(async ({ stack, region, config: file }: GrantsArguments) => {
      try {
        process.stdout.write(grants(await loadConfig(file), file, stack, region));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        console.error(`weir: ${error.message}`);
        process.exitCode = 1;
      }
    });
  return command;
}

/** @throws ConfigError where rows go to no warehouse */
function grants(config: WeirConfig, file: string, stack: string, region: string): string {
  const { warehouse } = config;
  if (warehouse.kind === "none")
    throw new ConfigError(file, [`warehouse.kind: "none", so there is nothing to grant`]);
  const user = databaseUser(loaderRoleName(stack, region));
  return grantsScript({ user, database: warehouse.database, tables: warehouseTables(config) });
}
