import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { HEARTBEAT_TYPE } from "../wire/log-type.ts";
import type { SentCounts } from "./producer/aggregator.ts";
import type { FollowedFile } from "./tail/followed-file.ts";

interface TagStatus {
  readonly messages: number;
  readonly bytes: number;
}

interface FileStatus {
  readonly tag: string;
  /** Bytes read, and bytes acknowledged by Kinesis. */
  readonly position: number;
  readonly delivered: number;
  readonly size: number;
  readonly error: string;
}

/** `sent` counts the lines that Kinesis has acknowledged since the start. */
export interface AgentStatus {
  readonly sent: Readonly<Record<string, TagStatus>>;
  /** By the path a file has now. */
  readonly files: Readonly<Record<string, FileStatus>>;
}

export function agentStatus(
  sent: ReadonlyMap<string, SentCounts>,
  files: Iterable<FollowedFile>,
): AgentStatus {
  const byTag: Record<string, TagStatus> = {};
  for (const [tag, { lines, bytes }] of sent) {
    if (tag !== HEARTBEAT_TYPE) byTag[tag] = { messages: lines, bytes };
  }
  const byPath: Record<string, FileStatus> = {};
  for (const { tag, location, delivery, read, size, error = "" } of files) {
    byPath[location] = { tag, position: read, delivered: delivery.resume.offset, size, error };
  }
  return { sent: byTag, files: byPath };
}

/** Serves `GET /` with the status as JSON, on this machine only. */
export class Monitor implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port: number, status: () => AgentStatus): Promise<Monitor> {
    const server = createServer(({ method, url }, response) => {
      const isFound = method === "GET" && url === "/";
      response.writeHead(isFound ? 200 : 404, { "content-type": "application/json" });
      response.end(isFound ? `${JSON.stringify(status())}\n` : '{"error":"GET / has the status"}\n');
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new Monitor(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}
