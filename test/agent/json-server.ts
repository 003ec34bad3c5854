import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A PutRecords request as it stands on the wire. */
export interface PutRecordsRequest {
  readonly Records: readonly PutRecordsEntry[];
}

export interface PutRecordsEntry {
  /** In base64. */
  readonly Data: string;
  readonly PartitionKey: string;
  readonly ExplicitHashKey: string;
}

/** What stands in for Kinesis: a server on a free port of this machine that is asked in JSON 1.1. */
export class JsonServer implements AsyncDisposable {
  readonly #server: Server;

  /** @param answer a call that it fails at is broken off */
  static async start(
    answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): Promise<JsonServer> {
    const server = createServer((request, response) => {
      answer(request, response).catch(() => response.destroy());
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new JsonServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

/** "PutRecords", "ListShards", ... */
export function operationOf({ headers }: IncomingMessage): string {
  return String(headers["x-amz-target"]).replace(/^.*\./, "");
}

/** Bytes that count against the limits of records and shards. */
export function sizeOf({ Data, PartitionKey }: PutRecordsEntry): number {
  return Buffer.byteLength(Data, "base64") + Buffer.byteLength(PartitionKey);
}

export function reply(response: ServerResponse, status: number, body: object | string): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
