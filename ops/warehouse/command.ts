import { Command } from "commander";
import { ConfigError, type WeirConfig } from "../../wire/config.ts";
import { grantsScript, warehouseTables } from "../../wire/loader-grants.ts";
import { databaseUser, loaderRoleName } from "../../wire/loader-role.ts";
import { stackName } from "../../wire/stack-config.ts";
import { warehouseOf, warehousesOf } from "../../wire/warehouses.ts";
import { jsonOption, print, regionOption } from "../access/place-command.ts";

interface GrantsArguments {
  readonly stack?: string;
  readonly warehouse?: string;
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
    .option("--warehouse <name>", "one of `warehouses`; if absent, the main one, or the only one there is")
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

/** @throws ConfigError where rows go to no warehouse, or not to this one, or nobody knows the region */
function grants(config: WeirConfig, file: string, named: Omit<GrantsArguments, "config" | "json">): string {
  const { stack } = config;
  const all = warehousesOf(config);
  if (all.length === 0) throw new ConfigError(file, [`warehouse.kind: "none", so there is nothing to grant`]);
  const name = warehouseOf(config, named);
  const warehouse = all.find((one) => one.name === name)?.config;
  if (!warehouse) {
    const names = all.map((one) => one.name).join(", ");
    throw new ConfigError(file, [
      `--warehouse: no warehouse "${name}" in the configuration, there is ${names}`,
    ]);
  }
  const region = stack.region ?? named.region;
  if (region === undefined) throw new ConfigError(file, ["stack.region: absent, and --region is too"]);
  const user =
    (warehouse.kind === "provisioned" ? warehouse.dbUser : undefined) ??
    databaseUser(loaderRoleName(named.stack ?? stackName(stack), region, name));
  const { views } = config.readers;
  return grantsScript({ user, database: warehouse.database, tables: warehouseTables(config, name), views });
}
