import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { Logger } from "pino";
import { type AgentConfig, takesEvents } from "../config/config.ts";
import { GATHER_BYTES } from "../config/producer-config.ts";
import { QUEUE_BYTES } from "../push/spool/intake.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** The process with its heap and what it reads into, busy: 62 to 76 MiB of a cgroup, measured 2026-11. */
const PROCESS_BYTES = 91 * MIB;

/**
 * Each file that is followed, whether or not it grows. Measured 2026-11 with 6,000 files: 2.6 KiB stay in the heap,
 * and with paths of 300 characters, in a directory each, or while a search or a checkpoint is under way up to 3.4 KiB.
 */
export const FILE_BYTES = 3.5 * KIB;

/** Part of the heap that is not for files: 24 MiB when idle, the rest for what is on its way. */
const HEAP_BESIDES_FILES_BYTES = 28 * MIB;

/** Young objects have a part of the heap's limit that old ones cannot have, three times this. */
const SEMI_SPACE_MIB = 64;

/** As many as fit in the heap beside all else, if each takes what it may. */
export function filesThatFit({ tail }: Pick<AgentConfig, "tail">, heapBytes = heapLimit()): number {
  const room = Math.max(0, heapBytes - HEAP_BESIDES_FILES_BYTES);
  return tail.max_files ?? Math.max(LEAST_FILES, Math.floor(room / FILE_BYTES));
}

/** However little memory there is, an agent follows some. */
const LEAST_FILES = 100;

/** What may grow old in the heap: V8 ends the process that needs more. */
function heapLimit(): number {
  const flags = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")];
  const semiSpace = flags
    .map((flag) => /^--max[-_]semi[-_]space[-_]size=(\d+)$/.exec(flag)?.[1])
    .findLast(Boolean);
  const young = 3 * Number(semiSpace ?? SEMI_SPACE_MIB) * MIB;
  return getHeapStatistics().heap_size_limit - young;
}

/** What the writer of JSON holds, in times of the longest line: six bytes for each of its characters, and room to grow. */
const LINE_TIMES = 16;

/**
 * What an agent takes when all that its settings allow to wait does.
 *
 * @param files that match at present
 */
export function memoryNeed(config: AgentConfig, files = 0): number {
  const { producer, forward } = config;
  // Each record, the request that holds it in base64, and those that are gathered for the next.
  const gathered = Math.min(producer.max_buffered_bytes, GATHER_BYTES);
  const records = Math.ceil((producer.max_buffered_bytes * 7) / 3) + gathered;
  // What is received and unpacked, and one line at a time that is made of it.
  const messages = forward ? forward.max_pending_bytes + LINE_TIMES * config.spool.max_event_bytes : 0;
  return PROCESS_BYTES + records + messages + (takesEvents(config) ? QUEUE_BYTES : 0) + files * FILE_BYTES;
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

/** @param files that match at present @returns undefined when it fits */
export function memoryShortage(
  config: AgentConfig,
  limit: number | undefined,
  files = 0,
): string | undefined {
  const need = memoryNeed(config, files);
  if (limit === undefined || need <= limit) return undefined;
  const settings = ["producer.max_buffered_bytes"];
  if (config.forward) settings.push("forward.max_pending_bytes", "spool.max_event_bytes");
  const choice = `lower ${settings.join(" or ")}, or raise the limit`;
  return `${needText(config, files)}, and the limit is ${mib(limit)}: ${choice}`;
}

export function needText(config: AgentConfig, files: number): string {
  const matching = files > 0 ? ` and ${files} files` : "";
  return `up to ${mib(memoryNeed(config, files))} by its settings${matching}`;
}

export function mib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

/** It may well never need as much, so it runs all the same. */
export function warnOfMemory(config: AgentConfig, log: Pick<Logger, "warn">, limit = memoryLimit()): void {
  const shortage = memoryShortage(config, limit);
  if (shortage) log.warn(`memory: ${shortage}`);
}
