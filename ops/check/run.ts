import { toDotPath } from "zod/v4/core";
import { ConfigError, type FieldProblem, placeText, type ReadConfig } from "../../wire/config.ts";
import { fieldText } from "../../wire/config-problems.ts";
import type { Outcome } from "../access/place-command.ts";
import { counted } from "../access/figures.ts";
import { configWarnings } from "./warnings.ts";

export async function checkConfig(
  file: string,
  readConfig: (file: string) => Promise<ReadConfig>,
): Promise<Outcome> {
  try {
    const { config, placeOf } = await readConfig(file);
    const warnings = [...configWarnings(config)].map(({ path, message }): FieldProblem => ({
      field: toDotPath([...path]),
      name: fieldText(path, config),
      message,
      ...placeOf(path),
    }));
    const columns = config.types.reduce((sum, { columns }) => sum + columns.length, 0);
    const size = `${counted(config.types.length, "type")} of ${counted(columns, "column")}`;
    return {
      ok: true,
      json: { ok: true, file, problems: [], warnings },
      text: [
        `${file}: ${size}, nothing wrong`,
        ...warnings.map((warning) => `  warning: ${placeText(warning)}${warning.name}: ${warning.message}`),
      ].join("\n"),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { message, problems, fields } = error;
    const told = fields.length > 0 ? fields : problems.map((message) => ({ field: "", name: "", message }));
    const summary = counted(told.length, "problem");
    return {
      ok: false,
      json: { ok: false, file, problems: told, warnings: [] },
      text: `${message}\n${summary}`,
    };
  }
}
