import { Command } from "commander";
import type { WeirConfig } from "../../wire/config.ts";
import { jsonOption, print } from "../access/place-command.ts";

export interface TestArguments {
  readonly config: string;
  readonly update?: true;
  readonly allTypes?: true;
  readonly junit?: string;
  readonly json?: true;
}

/** `weir test`: whether lines of log types still become the rows that they should, without a cloud. */
export function testCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  return new Command("test")
    .description("run a folder of lines with expected rows and rejects; 1 if any differs, or there are none")
    .argument(
      "[folder]",
      "of a folder for each log type, in which x.log stands beside x.expected.jsonl",
      "tests",
    )
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .option("--update", "write what lines become now as what is expected")
    .option("--all-types", "a log type without a test is a failure")
    .option("--junit <file>", "write the results as JUnit XML, as CI systems read it")
    .addOption(jsonOption())
    .action((folder: string, options: TestArguments) =>
      print(options.json, async () => {
        // Loaded late: an agent on a host has no use for the router.
        const { runTests } = await import("./run.ts");
        return runTests(folder, options, loadConfig);
      }),
    );
}
