import { Command, InvalidArgumentError } from "commander";
import { closest } from "../../wire/closest.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { AccessError } from "../access/access-error.ts";
import { jsonOption, type Outcome, print } from "../access/place-command.ts";
import { counted } from "../peek/view.ts";
import { visibleText } from "../peek/visible-text.ts";
import type { Row } from "./line-trial.ts";
import type { Tally } from "./tally.ts";

type LoadConfig = (file: string) => Promise<WeirConfig>;

interface TryArguments {
  readonly config: string;
  readonly lines: number;
  readonly rows: number;
  readonly rejects: number;
  readonly json?: true;
}

/** `weir try`: what becomes of a file's lines as a log type, without a cloud. */
export function tryCommand(loadConfig: LoadConfig): Command {
  return new Command("try")
    .description("show the rows and the rejected lines that a log type makes of a file; 1 if any is rejected")
    .argument("<type>", "a log type of the configuration")
    .argument("<file>", "a file of its lines, also packed with gzip or zstd; - for stdin")
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .option("--lines <count>", "lines that are looked at, from the beginning", count, 50_000)
    .option("--rows <count>", "rows that are shown", count, 3)
    .option("--rejects <count>", "rejected lines that are shown", count, 10)
    .addOption(jsonOption())
    .action((type: string, file: string, options: TryArguments) =>
      print(options.json, () => tryFile(type, file, options, loadConfig)),
    );
}

async function tryFile(
  name: string,
  file: string,
  { config, lines, rows, rejects }: TryArguments,
  loadConfig: LoadConfig,
): Promise<Outcome> {
  const settings = await loadConfig(config);
  const { types } = settings;
  const type = types.find((type) => type.name === name);
  if (type === undefined) {
    const near = closest(
      name,
      types.map(({ name }) => name),
    );
    const hint =
      near === undefined ? `It has ${types.map(({ name }) => name).join(", ")}.` : `Did you mean ${near}?`;
    throw new AccessError("BAD_REQUEST", `${config} has no log type ${name}`, hint);
  }
  // Loaded late: an agent on a host has no use for the router.
  const [{ Tally, rejectJson, rejectText }, { readLines }] = await Promise.all([
    import("./tally.ts"),
    import("./read-lines.ts"),
  ]);
  const tally = new Tally(type, { rows, rejects }, settings);
  let isWhole = true;
  for await (const line of readLines(file)) {
    if (tally.lines === lines) {
      isWhole = false;
      break;
    }
    tally.take(line);
  }
  const { rejected, filtered, emptyColumns, firstRows, firstRejects } = tally;
  const ok = rejected === 0;
  const of = { lines: tally.lines, isWhole, rows: tally.rows, rejected, filtered };
  return {
    ok,
    json: { ok, ...of, emptyColumns, firstRows, firstRejects: firstRejects.map(rejectJson) },
    text: [
      ...firstRows.map((row) =>
        rowText(
          type.columns.map(({ name }) => name),
          row,
        ),
      ),
      ...firstRejects.map(rejectText),
      summary(name, tally, isWhole),
    ].join("\n\n"),
  };
}

function summary(name: string, tally: Tally, isWhole: boolean): string {
  const empty = tally.emptyColumns;
  return [
    `${name}: ${tally.text(isWhole ? "lines" : "first lines")}`,
    ...(empty.length > 0
      ? [`${counted(empty.length, "column")} without a value in any row: ${empty.join(", ")}`]
      : []),
    ...(tally.lines === 0 ? ["The file is empty."] : []),
  ].join("\n");
}

/** A row, a column a line. */
function rowText(columns: readonly string[], row: Row): string {
  const names = ["_time", ...columns, ...("_extra" in row ? ["_extra"] : [])];
  const width = Math.max(...names.map(({ length }) => length));
  return names.map((name) => `${name.padEnd(width)}  ${valueText(row[name])}`.trimEnd()).join("\n");
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return "NULL";
  return visibleText(typeof value === "string" ? value : JSON.stringify(value));
}

function count(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("It should be a whole number.");
  return Number(value);
}
