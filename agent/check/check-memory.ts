import type { AgentConfig } from "../config.ts";
import { memoryLimit, memoryNeed, memoryShortage, mib } from "../memory.ts";
import { fine, type Finding, problem } from "./finding.ts";

/** Whether what the settings allow to wait fits in what the system allows: here, not where systemd runs it. */
export function checkMemory(config: AgentConfig, limit = memoryLimit()): Finding {
  const shortage = memoryShortage(config, limit);
  if (shortage) return problem(`memory: ${shortage}`);
  const allowed = limit === undefined ? "no limit is set here" : `the limit is ${mib(limit)}`;
  return fine(`memory: up to ${mib(memoryNeed(config))} by its settings; ${allowed}`);
}
