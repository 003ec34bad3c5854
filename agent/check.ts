import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { systemCode, systemReason } from "./agent-error.ts";
import type { AgentConfig } from "./config.ts";
import { kinesisClient } from "./producer/kinesis-client.ts";
import { describeStream } from "./producer/stream.ts";
import { FileRule } from "./tail/file-rule.ts";

/**
 * Everything that can be found wrong before an agent runs: directories, files, the state directory
 * and the stream. Changes nothing.
 *
 * @returns one line for each problem, none when the agent can start
 */
export async function checkAgent(config: AgentConfig, log: Logger, signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all(config.files.map((files) => new FileRule(files).problems()));
  const problems = found.flatMap(({ fatal, unreadable }) => [...fatal, ...unreadable]);
  return [
    ...problems,
    ...(await checkStateDirectory(config.state_dir)),
    ...(await checkStream(config, log, signal)),
  ];
}

async function checkStateDirectory(directory: string): Promise<string[]> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const isMissing = systemCode(error) === "ENOENT" && dirname(directory) !== directory;
    // The agent makes it, so it is its parent that must be writable.
    if (isMissing) return checkStateDirectory(dirname(directory));
    return [`state_dir: ${systemReason(error)}`];
  }
}

async function checkStream(config: AgentConfig, log: Logger, signal: AbortSignal): Promise<string[]> {
  const client = kinesisClient(config);
  try {
    const isActive = await describeStream(client, config, log, signal);
    return isActive ? [] : [`stream: ${config.stream} is not active yet`];
  } catch (error) {
    return [`stream: ${systemReason(error)}`];
  } finally {
    client.destroy();
  }
}
