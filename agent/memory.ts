import { totalmem } from "node:os";
import type { Logger } from "pino";
import { type AgentConfig, takesEvents } from "./config.ts";
import { QUEUE_BYTES } from "./spool/intake.ts";

const MIB = 2 ** 20;
/** The process with its heap and what it reads into, busy: 62 to 80 MiB of a cgroup, measured 2026-11. */
const PROCESS_BYTES = 96 * MIB;

/** What an agent takes when all that its settings allow to wait does. */
export function memoryNeed(config: AgentConfig): number {
  const { producer, forward } = config;
  // Each record, and the request that holds it in base64.
  const records = Math.ceil((producer.max_buffered_bytes * 7) / 3);
  // One message at a time is unpacked, and its lines wait for the disk.
  const messages = forward ? forward.max_pending_bytes + 2 * forward.max_inflated_bytes : 0;
  return PROCESS_BYTES + records + messages + (takesEvents(config) ? QUEUE_BYTES : 0);
}

/**
 * What the system lets this process have, the lower of MemoryHigh and MemoryMax under systemd.
 *
 * @returns undefined where nothing less than the machine's memory is set
 */
export function memoryLimit(
  constrained = process.constrainedMemory(),
  total = totalmem(),
): number | undefined {
  return constrained > 0 && constrained < total ? constrained : undefined;
}

/** @returns undefined when it fits */
export function memoryShortage(config: AgentConfig, limit: number | undefined): string | undefined {
  const need = memoryNeed(config);
  if (limit === undefined || need <= limit) return undefined;
  const settings = ["producer.max_buffered_bytes"];
  if (config.forward) settings.push("forward.max_pending_bytes", "forward.max_inflated_bytes");
  const choice = `lower ${settings.join(" or ")}, or raise the limit`;
  return `up to ${mib(need)} by its settings, and the limit is ${mib(limit)}: ${choice}`;
}

export function mib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

/** It may well never need as much, so it runs all the same. */
export function warnOfMemory(config: AgentConfig, log: Pick<Logger, "warn">, limit = memoryLimit()): void {
  const shortage = memoryShortage(config, limit);
  if (shortage) log.warn(`memory: ${shortage}`);
}
