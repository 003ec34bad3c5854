import { hostname, userInfo } from "node:os";
import { Argument, Command } from "commander";
import { ConfigError, type WeirConfig } from "../../wire/config.ts";
import type { LoaderSchema, TableRefusal, TableSchema } from "../../wire/loader-command.ts";
import { jsonOption, onPlace, type Outcome, type PlaceArguments, print } from "../access/place-command.ts";
import { printable } from "../access/text-table.ts";
import { athenaSql, duckdbSql } from "./lake-sql.ts";

type LoadConfig = (file: string) => Promise<WeirConfig>;

interface DiffArguments extends PlaceArguments {
  readonly config?: string;
}

interface LakeArguments {
  readonly lake: string;
  readonly config: string;
  readonly from: string;
  readonly json?: true;
}

/** As terraform's and others' plans have it: 0 for no difference, 1 for an error, 2 for a difference. */
const DIFFERENCE = 2;

/** `weir schema`: how the tables of the warehouse differ from the configuration, and what becomes of it. */
export function schemaCommand(loadConfig: LoadConfig): Command {
  return new Command("schema")
    .description("how the tables differ from the configuration, and what to do about it")
    .addCommand(diffCommand(loadConfig))
    .addCommand(applyCommand())
    .addCommand(lakeCommand(loadConfig));
}

function diffCommand(loadConfig: LoadConfig): Command {
  const command = new Command("diff")
    .description(
      "print what the configuration would change; the exit code is 0 for nothing, 2 for something, 1 for an error",
    )
    .option("--config <file>", "a configuration that is not deployed yet; what is deployed if absent");
  return onPlace<DiffArguments>(command, async (place, { config: file }) => {
    const config = file === undefined ? undefined : await loadConfig(file);
    const found = await place.invokeLoader({ command: "schema", ...(config && { config }) });
    return outcome(place.title, found, "would be made");
  });
}

function applyCommand(): Command {
  const command = new Command("apply").description(
    "make the changes now that the next load of each table would make; the exit code is 0 if nothing is left to do, 2 if " +
      "something is, 1 for an error",
  );
  return onPlace<PlaceArguments>(command, async (place) => {
    const by = `${userInfo().username}@${hostname()}`.slice(0, 64);
    const { tables } = await place.invokeLoader({ command: "schema", apply: true, by });
    const { text, json } = outcome(place.title, { tables }, "made");
    const ok = tables.every(({ refused }) => refused.length === 0);
    return { text, json: { ...json, ok }, ok, exitCode: DIFFERENCE };
  });
}

/** Needs no pipeline: what a lake holds follows from the configuration. */
function lakeCommand(loadConfig: LoadConfig): Command {
  return new Command("lake")
    .description(
      "print the SQL that makes a table of a type's rows in the lake, for whoever reads them there",
    )
    .addArgument(new Argument("<reader>").choices(["athena", "duckdb"]))
    .argument("[type...]", "log types; all of them if absent")
    .requiredOption(
      "--lake <uri>",
      "s3://BUCKET: `LakeBucket` of the stack's outputs, or what npm start prints",
    )
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .option("--from <day>", "the first day that Athena looks at", "2020-01-01")
    .addOption(jsonOption())
    .action(
      (reader: "athena" | "duckdb", names: string[], { lake, config: file, from, json }: LakeArguments) =>
        print(json, async () => {
          const { types } = await loadConfig(file);
          const unknown = names.find((name) => !types.some((type) => type.name === name));
          if (unknown !== undefined) throw new ConfigError(file, [`there is no type "${unknown}"`]);
          if (!/^\d{4}-\d\d-\d\d$/.test(from))
            throw new ConfigError("--from", [`${from} is no day: YYYY-MM-DD`]);
          const sql = types
            .filter(({ name }) => names.length === 0 || names.includes(name))
            .map((type) =>
              reader === "duckdb" ? duckdbSql({ type, lake }) : athenaSql({ type, lake }, from),
            );
          return { ok: true, text: sql.join("\n\n"), json: { sql } };
        }),
    );
}

function outcome(title: string, { tables }: LoaderSchema, done: string): Outcome {
  const changes = tables.reduce((sum, table) => sum + table.changes.length, 0);
  const refused = tables.reduce((sum, table) => sum + table.refused.length, 0);
  const ok = changes + refused === 0;
  const counts = ok
    ? "every table is as the configuration has it"
    : `${counted(changes, "change")} ${done}, ${refused === 0 ? "none" : refused} refused`;
  const text = [title, ...tables.filter(differs).map(tableText), counts].join("\n\n");
  return { ok, exitCode: DIFFERENCE, json: { ok, tables }, text };
}

const differs = ({ changes, refused }: TableSchema): boolean => changes.length + refused.length > 0;

function tableText({ table, changes, refused }: TableSchema): string {
  const made = changes.map(({ kind, subject, sql }) => [
    `  + ${kind.replace("-", " ")} ${printable(subject)}`,
    indented(`${sql};`),
  ]);
  return [table, ...made.flat(), ...refused.flatMap(refusalText)].join("\n");
}

function refusalText({ reason, stops, wayOut, sql }: TableRefusal): string[] {
  return [
    `  ! ${printable(reason)}${stops ? "; nothing is loaded until this is gone" : ""}`,
    indented(wayOut),
    ...sql.map((statement) => indented(`${statement};`)),
  ];
}

const indented = (text: string): string => printable(text).replaceAll(/^/gm, "      ");

const counted = (count: number, what: string): string =>
  count === 0 ? `no ${what}s` : `${count} ${what}${count === 1 ? "" : "s"}`;
