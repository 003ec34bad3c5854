import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type IncomingMessage, request, type RequestListener } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { hasOpenssl, makeCertificate } from "./certificate.ts";
import { bySource, reassemble } from "./event.ts";
import { LocalServer } from "./local-server.ts";

/** Hands requests on to a stream. */
function onwardTo(endpoint: string): RequestListener {
  const { port, hostname: host } = new URL(endpoint);
  return (incoming, response) => {
    const { method, headers } = incoming;
    const onward = request({ port, host, method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  };
}

/** A proxy to one place, whatever is asked for. */
async function startProxy(asked: Set<string>, answer: RequestListener, tunnelPort = 0): Promise<LocalServer> {
  const proxy = await LocalServer.start((incoming, response) => {
    asked.add(`${incoming.method} ${incoming.url}`);
    answer(incoming, response);
  });
  proxy.server.on("connect", ({ method, url }: IncomingMessage, client: Duplex) => {
    asked.add(`${method} ${url}`);
    const target = connect(tunnelPort, "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    client.pipe(target).pipe(client);
    for (const end of [client, target]) end.on("error", () => {});
    client.on("close", () => target.destroy());
  });
  return proxy;
}

/** What becomes of 100 lines. */
async function drained(agent: AgentFixture, settings: object, environment: Record<string, string> = {}) {
  await writeFile(agent.path("a.log"), lines(100));
  await using child = await AgentChild.start(agent, ["run", "--until-drained"], settings, environment);
  return { ...(await child.ended), text: Array.from(bySource(agent.events).values(), reassemble).join("") };
}

test("requests go through the proxy that the environment names", async () => {
  await using agent = await AgentFixture.make();
  const asked = new Set<string>();
  await using proxy = await startProxy(asked, onwardTo(agent.kinesis.endpoint));
  const settings = { endpoint: "http://kinesis.invalid" };
  expect(await drained(agent, settings, { HTTP_PROXY: proxy.url })).toMatchObject({ text: lines(100) });
  expect([...asked]).toEqual(["POST http://kinesis.invalid/"]);
});

test("requests to this host, and to hosts in NO_PROXY, are made directly", async () => {
  await using agent = await AgentFixture.make();
  const asked = new Set<string>();
  await using proxy = await startProxy(asked, (_, response) => response.writeHead(502).end());
  expect(await drained(agent, {}, { HTTP_PROXY: proxy.url })).toMatchObject({ text: lines(100) });
  const endpoint = agent.kinesis.endpoint.replace("127.0.0.1", "127.0.0.9");
  await using check = await AgentChild.start(
    agent,
    ["check"],
    { endpoint, aws: { proxy: proxy.url } },
    { NO_PROXY: "127.0.0.9" },
  );
  // Nobody listens there, and nobody was asked to.
  expect((await check.ended).stderr).toMatch(/ECONNREFUSED 127\.0\.0\.9/);
  expect([...asked]).toEqual([]);
});

/** The stream behind TLS. */
async function startTls(
  endpoint: string,
  files: { cert_file: string; key_file: string },
): Promise<TlsServer> {
  const [cert, key] = [readFileSync(files.cert_file), readFileSync(files.key_file)];
  const server = createTlsServer({ cert, key }, onwardTo(endpoint));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

test.skipIf(!hasOpenssl)(
  "a configured proxy is asked for a tunnel, through which only trusted authorities count (needs openssl)",
  async () => {
    await using agent = await AgentFixture.make();
    const files = makeCertificate(agent.directory, "kinesis.invalid");
    const tls = await startTls(agent.kinesis.endpoint, files);
    const asked = new Set<string>();
    try {
      const { port } = tls.address() as AddressInfo;
      await using proxy = await startProxy(asked, (_, response) => response.writeHead(400).end(), port);
      const endpoint = "https://kinesis.invalid";
      await using check = await AgentChild.start(agent, ["check"], { endpoint, aws: { proxy: proxy.url } });
      expect((await check.ended).stderr).toMatch(/self-signed certificate/);
      const aws = { proxy: proxy.url, ca_file: files.cert_file };
      expect(await drained(agent, { endpoint, aws })).toMatchObject({ text: lines(100) });
      await using environment = await AgentFixture.make();
      const trusting = { NODE_EXTRA_CA_CERTS: files.cert_file };
      await using check2 = await AgentChild.start(
        environment,
        ["check"],
        { endpoint, aws: { proxy: proxy.url } },
        trusting,
      );
      expect(await check2.ended).toMatchObject({ code: 0 });
    } finally {
      tls.close();
      tls.closeAllConnections();
    }
    expect([...asked]).toEqual(["CONNECT kinesis.invalid:443"]);
  },
);

test("a file of authorities that cannot be read is an error that names it", async () => {
  await using agent = await AgentFixture.make();
  const aws = { ca_file: agent.path("none.pem") };
  const { code, stderr } = await drained(agent, { aws });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/none\.pem: ENOENT/)]);
});
