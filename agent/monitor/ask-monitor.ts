import { request } from "node:http";
import { json } from "node:stream/consumers";
import type { AgentStatus } from "./agent-status.ts";
import type { MonitorConfig } from "../config/monitor-config.ts";
import { readToken } from "./monitor-token.ts";

/** An agent that hangs is told from one that does not run by its lock. */
const MONITOR_TIMEOUT_MS = 2_000;

/** @returns what a running agent says of itself; undefined where none does */
export async function askMonitor(config: MonitorConfig): Promise<AgentStatus | undefined> {
  const { address, port, unix_path } = config;
  if (port === 0 && unix_path === undefined) return undefined;
  try {
    const token = await readToken(config);
    const to = unix_path === undefined ? { host: address, port } : { socketPath: unix_path };
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return await get({ ...to, path: "/", headers });
  } catch {
    // It does not run, or hangs, or is not ours to ask: the checkpoint tells what it can.
    return undefined;
  }
}

function get(options: object): Promise<AgentStatus> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(MONITOR_TIMEOUT_MS);
    request({ ...options, agent: false, signal }, (response) => {
      if (response.statusCode === 200) json(response).then((body) => resolve(body as AgentStatus), reject);
      else reject(new Error(`status ${response.statusCode}`));
    })
      .on("error", reject)
      .end();
  });
}
