import { Command, InvalidArgumentError, Option } from "commander";

/** `weir local`: what `npm start` runs. */
export function localCommand(): Command {
  return new Command("local")
    .description("run the whole pipeline on this machine, as it would deploy")
    .option(
      "--once",
      "what is there, or a bounded amount: drain, reconcile, and exit with 0 only if it balances",
      false,
    )
    .option("--logs <type=glob>", "send these files instead of sample traffic; may be repeated", logs, {})
    .option(
      "--start <type=pattern>",
      "a line that matches begins an event of these files, as the agent's multi_line.start has it; may be repeated",
      starts,
      {},
    )
    .addOption(
      new Option("--agent <file>", "send what an agent of this TOML file sends, until Ctrl-C").conflicts(
        "logs",
      ),
    )
    .option("--config <file>", "log types and settings", "weir.config.ts")
    .option(
      "--max-rejected <percent>",
      "of a type's lines, above which it exits with 1; 5 if absent, with --once and --logs",
      percent,
    )
    .option("--report <file>", "write the reconciliation as JSON")
    .option("--lines <count>", "sample lines of each type, with --once", count, 20_000)
    .option("--rate <lines>", "sample lines of each type a second, without --once", count, 200)
    .option("--seed <number>", "of the sample traffic", count, 1)
    .option("--port <port>", "of the live page; a free one if absent", count)
    .option(
      "--dir <folder>",
      "keep files, state and logs here, and go on with what an earlier run kept; a temporary folder if absent",
    )
    .action(async (options) => {
      // Loaded late: an agent on a host has no use for the laptop cloud.
      const { runCommand } = await import("./run/run-command.ts");
      process.exitCode = await runCommand(options);
    });
}

type Logs = Record<string, string[]>;

function logs(value: string, previous: Logs): Logs {
  const [, type, glob] = /^([\w.-]+)=(.+)$/s.exec(value) ?? [];
  if (type === undefined || glob === undefined) {
    throw new InvalidArgumentError("It should read TYPE=GLOB, such as access='/var/log/nginx/access.log*'.");
  }
  return { ...previous, [type]: [...(previous[type] ?? []), glob] };
}

function starts(value: string, previous: Record<string, string>): Record<string, string> {
  const [, type, pattern] = /^([\w.-]+)=(.+)$/s.exec(value) ?? [];
  if (type === undefined || pattern === undefined) {
    throw new InvalidArgumentError("It should read TYPE=PATTERN, such as java='^\\d{4}-'.");
  }
  return { ...previous, [type]: pattern };
}

function count(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("It should be a whole number.");
  return Number(value);
}

function percent(value: string): number {
  const number = Number(value);
  if (!/^\d+(?:\.\d+)?$/.test(value) || number > 100)
    throw new InvalidArgumentError("It should be 0 to 100.");
  return number;
}
