import { readFileSync } from "node:fs";
import { Command } from "commander";
import { agentCommand } from "../agent/command/command.ts";
import { localCommand } from "../local/command.ts";
import { checkCommand } from "../ops/check/command.ts";
import { auditCommand } from "../ops/audit/command.ts";
import { eraseCommand } from "../ops/erase/command.ts";
import { inferCommand } from "../ops/infer/command.ts";
import { loadsCommand } from "../ops/loads/command.ts";
import { peekCommand } from "../ops/peek/command.ts";
import { pauseCommand, resumeCommand } from "../ops/pause/command.ts";
import { replayCommand } from "../ops/replay/command.ts";
import { schemaCommand } from "../ops/schema/command.ts";
import { statusCommand } from "../ops/status/command.ts";
import { testCommand } from "../ops/tests/command.ts";
import { tryCommand } from "../ops/try/command.ts";
import { warehouseCommand } from "../ops/warehouse/command.ts";
import type { ReadConfig, WeirConfig } from "../wire/config.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// Loaded late: an agent on a host has no use for it.
const loadConfig = async (file: string): Promise<WeirConfig> =>
  (await import("../lib/load-config.ts")).loadConfig(file);

const readConfig = async (file: string): Promise<ReadConfig> =>
  (await import("../lib/load-config.ts")).readConfig(file);

const program = new Command("weir")
  .description("Log files on hosts, to S3 and Redshift, every byte accounted for")
  .version(version)
  .addCommand(agentCommand())
  .addCommand(localCommand())
  .addCommand(inferCommand(loadConfig))
  .addCommand(checkCommand(readConfig))
  .addCommand(auditCommand())
  .addCommand(loadsCommand())
  .addCommand(peekCommand(loadConfig))
  .addCommand(replayCommand(loadConfig))
  .addCommand(pauseCommand())
  .addCommand(resumeCommand())
  .addCommand(schemaCommand(loadConfig))
  .addCommand(eraseCommand(loadConfig))
  .addCommand(statusCommand())
  .addCommand(testCommand(loadConfig))
  .addCommand(tryCommand(loadConfig))
  .addCommand(warehouseCommand(loadConfig));

await program.parseAsync();
