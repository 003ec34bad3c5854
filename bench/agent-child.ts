import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { bundleScript } from "../packaging/bundle.ts";
import { NODE_FLAGS } from "../packaging/executable.ts";
import { script } from "./child.ts";

/** As the service sets it. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "32768" };

/** Writes the agent's process into a directory, bundled as in a deployment. */
export async function bundleAgentProcess(directory: string): Promise<void> {
  await bundleScript(join(import.meta.dirname, "agent-process.ts"), programIn(directory));
}

/** Starts it as the service does. @param args those of agent-process.ts */
export function startAgent(
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  return script([...NODE_FLAGS, programIn(directory), ...args], { ...ENVIRONMENT, ...environment });
}

function programIn(directory: string): string {
  return join(directory, "agent-process.cjs");
}
