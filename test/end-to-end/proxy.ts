import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface Proxy extends AsyncDisposable {
  readonly endpoint: string;
}

/** When a call is told of: before the service sees it, or once it has answered and nobody knows yet. */
export type Moment = "before" | "after";

/** What the client gets instead of the service's answer: another one, or none. */
export type Interruption = "lost" | { readonly status: number; readonly body: string };

/**
 * Stands between a client and a service. Each call is told of twice, and waits for what is done then.
 *
 * @param target asked on every call: the service may not have started yet
 */
export async function startProxy(
  target: () => string,
  onCall: (call: IncomingMessage, body: Buffer, moment: Moment) => Promise<Interruption | void>,
): Promise<Proxy> {
  const server = createServer((call, reply) => {
    const forward = async (): Promise<void> => {
      const body = await buffer(call);
      if (interrupts(await onCall(call, body, "before"), reply)) return;
      const { method, headers, url } = call;
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        request(new URL(url!, target()), { method, headers }, resolve).on("error", reject).end(body);
      });
      const content = await buffer(answer);
      if (interrupts(await onCall(call, body, "after"), reply)) return;
      reply.writeHead(answer.statusCode!, answer.headers).end(content);
    };
    // The client is gone when it was killed meanwhile: there is nobody to tell.
    forward().catch(() => reply.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @returns whether the client waits for nothing more: it may have been killed, too */
function interrupts(interruption: Interruption | void, reply: ServerResponse): boolean {
  if (interruption === "lost") reply.destroy();
  else if (interruption !== undefined) reply.writeHead(interruption.status).end(interruption.body);
  return interruption !== undefined || reply.destroyed;
}
