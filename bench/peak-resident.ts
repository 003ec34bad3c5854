import { readFileSync } from "node:fs";

/**
 * The most memory that this process has held, in MB. getrusage's figure is that of whoever started it, where
 * that was more: it outlives exec.
 */
export function peakResidentMb(): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
    return (Number(kib) * 1_024) / 1e6;
  } catch {
    return (process.resourceUsage().maxRSS * 1_024) / 1e6; // no Linux
  }
}
