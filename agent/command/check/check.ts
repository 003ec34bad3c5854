import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { systemCode, systemReason } from "../../agent-error.ts";
import type { AgentConfig } from "../../config/config.ts";
import { checkFiles, countFiles } from "./check-files.ts";
import { checkInputs } from "./check-inputs.ts";
import { checkMachine } from "./check-machine.ts";
import { checkMemory } from "./check-memory.ts";
import { checkSpool } from "./check-spool.ts";
import { checkStream } from "./check-stream.ts";
import { fine, type Finding, problem } from "./finding.ts";

/**
 * Everything that can be found out before an agent runs: directories, files and what globs match,
 * sockets and keys, the state directory and its disk, memory, the stream, permissions and the clock. Changes nothing.
 */
export async function checkAgent(config: AgentConfig, log: Logger, signal: AbortSignal): Promise<Finding[]> {
  return [
    ...(await checkFiles(config.files)),
    ...(await checkInputs(config)),
    await checkStateDirectory(config.state_dir),
    await checkMachine(config),
    ...(await checkSpool(config)),
    ...checkMemory(config, await countFiles(config.files)),
    ...(await checkStream(config, log, signal)),
  ];
}

async function checkStateDirectory(directory: string, wanted = directory): Promise<Finding> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return fine(`state_dir: ${wanted} can be ${directory === wanted ? "written" : "made"}`);
  } catch (error) {
    const isMissing = systemCode(error) === "ENOENT" && dirname(directory) !== directory;
    // The agent makes it, so it is its parent that must be writable.
    if (isMissing) return checkStateDirectory(dirname(directory), wanted);
    return problem(`state_dir: ${systemReason(error)}`);
  }
}
