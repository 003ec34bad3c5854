import { Command } from "commander";
import type { WeirConfig } from "../../wire/config.ts";
import { jsonOption, print } from "../access/place-command.ts";

export interface InferArguments {
  readonly name?: string;
  readonly tag?: readonly string[];
  readonly config?: string;
  readonly write?: true;
  readonly json?: true;
}

/** `weir infer`: a log type for lines that there are, without a cloud. */
export function inferCommand(loadConfig: (file: string) => Promise<WeirConfig>): Command {
  return new Command("infer")
    .description("propose a log type for files of one log; 1 if more than 1 % of the lines would be rejected")
    .argument("<file...>", "files of its lines, also packed with gzip or zstd; - for stdin")
    .option("--name <name>", "of the type; made of the file's name if absent")
    .option(
      "--tag <tag>",
      "that the type takes, * for any characters; its name if absent; may be repeated",
      listed,
    )
    .option("--write", "add the type to the configuration")
    .option("--config <file>", "log types and settings; weir.config.ts if there is one")
    .addOption(jsonOption())
    .action((files: string[], options: InferArguments) =>
      print(options.json, async () => {
        // Loaded late: an agent on a host has no use for the router.
        const { runInfer } = await import("./run.ts");
        return runInfer(files, options, loadConfig);
      }),
    );
}

const listed = (value: string, previous: readonly string[] = []): string[] => [...previous, value];
