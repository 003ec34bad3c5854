import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { buffer } from "node:stream/consumers";

/** The certificate that kinesis-local comes with, signed by itself. */
const { server: certificate } = createRequire(import.meta.url)("kinesis-local/server.json") as {
  server: { key: string; cert: string };
};

export interface KplEndpoint extends AsyncDisposable {
  readonly port: number;
}

/** Takes TLS from the KPL, which speaks nothing else, and passes its calls on to a Kinesis without. */
export async function startKplEndpoint(kinesis: string): Promise<KplEndpoint> {
  const server = createServer(certificate, (call, reply) => {
    const forward = async (): Promise<void> => {
      const names = ["x-amz-target", "content-type", "authorization", "x-amz-date"];
      const headers = Object.fromEntries(names.map((name) => [name, String(call.headers[name])]));
      const answer = await fetch(kinesis, { method: "POST", headers, body: await buffer(call) });
      reply.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
      reply.end(Buffer.from(await answer.arrayBuffer()));
    };
    forward().catch(() => reply.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
