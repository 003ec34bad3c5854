import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode, systemReason } from "../../agent-error.ts";
import { type AgentConfig, takesEvents } from "../../config/config.ts";
import { spoolDirectory } from "../../push/pushed-input.ts";
import { spoolExtent } from "../../push/spool/spool-extent.ts";
import { fine, type Finding, problem } from "./finding.ts";

/** Whether the disk has room for all that the spool may hold. */
export async function checkSpool(config: AgentConfig, room = freeBytes): Promise<Finding[]> {
  if (!takesEvents(config)) return [];
  const { max_bytes } = config.spool;
  const directory = spoolDirectory(config.state_dir);
  try {
    const used = (await spoolExtent(directory))?.bytes ?? 0;
    const free = await room(directory);
    const text = `spool: ${used} of ${max_bytes} bytes are used, the disk has ${free} more`;
    const isShort = free < max_bytes - used;
    return [isShort ? problem(`${text}: it is full before spool.max_bytes is reached`) : fine(text)];
  } catch (error) {
    return [problem(`spool: ${systemReason(error)}`)];
  }
}

/** Of the nearest directory that there is. */
async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(directory);
    if (systemCode(error) === "ENOENT" && parent !== directory) return freeBytes(parent);
    throw error;
  }
}
