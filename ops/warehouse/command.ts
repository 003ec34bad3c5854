import { Command } from "commander";
import { ConfigError, type WeirConfig } from "../../wire/config.ts";
import { grantsScript, warehouseTables } from "../../wire/loader-grants.ts";
import { databaseUser, loaderRoleName } from "../../wire/loader-role.ts";
import { stackName } from "../../wire/stack-config.ts";
import { jsonOption, print, regionOption } from "../access/place-command.ts";

interface GrantsArguments {
  readonly stack?: string;
  readonly region?: string;
  readonly config: string;
  readonly json?: true;
}

/** `weir warehouse`: what is done in the warehouse by hand. */
export function warehouseCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  const command = new Command("warehouse").description("what an administrator of the warehouse does by hand");
  command
    .command("grants")
    .description("print the SQL that lets the loader load; run it in the database as an administrator")
    .option("--stack <name>", "the stack that loads; that of the configuration if absent")
    .addOption(regionOption("its region, where the configuration names none"))
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .addOption(jsonOption())
    .action(({ config: file, json, ...named }: GrantsArguments) =>
      print(json, async () => {
        const sql = grants(await loadConfig(file), file, named);
        return { text: sql.trimEnd(), json: { ok: true, sql }, ok: true };
      }),
    );
  return command;
}

/** @throws ConfigError where rows go to no warehouse, or nobody knows the region */
function grants(config: WeirConfig, file: string, named: Omit<GrantsArguments, "config" | "json">): string {
  const { warehouse, stack } = config;
  if (warehouse.kind === "none")
    throw new ConfigError(file, [`warehouse.kind: "none", so there is nothing to grant`]);
  const region = stack.region ?? named.region;
  if (region === undefined) throw new ConfigError(file, ["stack.region: absent, and --region is too"]);
  const user =
    (warehouse.kind === "provisioned" ? warehouse.dbUser : undefined) ??
    databaseUser(loaderRoleName(named.stack ?? stackName(stack), region));
  const { views } = config.readers;
  return grantsScript({ user, database: warehouse.database, tables: warehouseTables(config), views });
}
