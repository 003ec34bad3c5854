import { availableParallelism, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import type { Vitals } from "./vitals.ts";

/** Answer of `GET /system`: what the agent costs its host. */
export interface SystemStatus {
  readonly time: string;
  readonly version: string;
  readonly node_version: string;
  readonly pid: number;
  readonly platform: string;
  readonly cpu_num: number;
  readonly load_average: readonly number[];
  readonly uptime_seconds: number;
  readonly cpu_user_seconds: number;
  readonly cpu_system_seconds: number;
  /** Share of the time since the start in which the event loop was busy. */
  readonly event_loop_utilization: number;
  readonly memory_rss: number;
  readonly memory_heap_used: number;
  readonly memory_heap_total: number;
  readonly memory_array_buffers: number;
}

export function systemStatus({ agent }: Pick<Vitals, "agent">, now: Date): SystemStatus {
  const memory = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    time: now.toISOString(),
    version: agent.version,
    node_version: process.version,
    pid: process.pid,
    platform: `${process.platform}-${process.arch}`,
    cpu_num: availableParallelism(),
    load_average: loadavg(),
    uptime_seconds: process.uptime(),
    cpu_user_seconds: user / 1e6,
    cpu_system_seconds: system / 1e6,
    event_loop_utilization: performance.eventLoopUtilization().utilization,
    memory_rss: memory.rss,
    memory_heap_used: memory.heapUsed,
    memory_heap_total: memory.heapTotal,
    memory_array_buffers: memory.arrayBuffers,
  };
}
