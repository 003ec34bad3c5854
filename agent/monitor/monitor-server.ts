import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { AgentError, systemReason } from "../agent-error.ts";
import { addressName, type ListenAddress } from "../machine/listener.ts";
import { applySocketAccess, removeStaleSocket } from "../machine/unix-socket.ts";
import type { MonitorConfig } from "../config/monitor-config.ts";

/** A request is a few hundred bytes from nearby: who takes longer holds a connection for nothing. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 };

/**
 * The HTTP servers of the port and the Unix socket that are configured. Those that listen there already are kept.
 *
 * @param held by name
 * @throws AgentError MONITOR_PORT; those that were opened are closed then
 */
export async function monitorServers(
  config: MonitorConfig,
  held: ReadonlyMap<string, Server>,
  answer: RequestListener,
): Promise<Map<string, Server>> {
  await using opened = new AsyncDisposableStack();
  const servers = new Map<string, Server>();
  for (const address of addresses(config)) {
    const name = addressName(address);
    try {
      let server = held.get(name);
      if (server === undefined) {
        server = await listen(address, answer);
        opened.adopt(server, closeServer);
      }
      server.maxConnections = config.max_connections;
      if ("path" in address) await applySocketAccess(address.path, config);
      servers.set(name, server);
    } catch (cause) {
      const hint = "Choose another monitor.port or monitor.unix_path; without both there is no monitor.";
      throw new AgentError("MONITOR_PORT", name, systemReason(cause), hint, { cause });
    }
  }
  opened.move();
  return servers;
}

function addresses({ port, address, unix_path }: MonitorConfig): ListenAddress[] {
  return [
    ...(port === 0 ? [] : [{ host: address, port }]),
    ...(unix_path === undefined ? [] : [{ path: unix_path }]),
  ];
}

async function listen(address: ListenAddress, answer: RequestListener): Promise<Server> {
  if ("path" in address) await removeStaleSocket(address.path);
  const server = createServer(LIMITS, answer);
  // Whoever is turned away comes again, and finds room.
  server.on("drop", () => server.closeIdleConnections());
  server.listen(address);
  await once(server, "listening");
  return server;
}

export async function closeServer(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}
