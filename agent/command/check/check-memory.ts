import type { AgentConfig } from "../../config/config.ts";
import {
  FILE_BYTES,
  filesThatFit,
  memoryLimit,
  memoryShortage,
  mib,
  needText,
} from "../../process/memory.ts";
import { fine, type Finding, problem } from "./finding.ts";

/**
 * Whether what the settings allow to wait, and the files that match, fit in what the system allows: here, not where
 * systemd runs it.
 */
export function checkMemory(
  config: AgentConfig,
  matching = 0,
  limit = memoryLimit(),
  fitting = filesThatFit(config),
): Finding[] {
  const followed = Math.min(matching, fitting);
  const shortage = memoryShortage(config, limit, followed);
  const allowed = limit === undefined ? "no limit is set here" : `the limit is ${mib(limit)}`;
  const memory = shortage
    ? problem(`memory: ${shortage}`)
    : fine(`memory: ${needText(config, followed)}; ${allowed}`);
  return matching > fitting ? [memory, tooMany(config, matching, fitting)] : [memory];
}

function tooMany({ tail }: AgentConfig, matching: number, fitting: number): Finding {
  const why =
    tail.max_files === undefined
      ? `${fitting} fit in its heap, at ${FILE_BYTES / 1_024} KiB each: raise the memory`
      : `tail.max_files is ${fitting}: raise it`;
  const text = `files: ${matching} match and ${why}, or name fewer by path, exclude and ignore_older_ms`;
  return problem(`${text}; the others wait`);
}
