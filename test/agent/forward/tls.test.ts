import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectionOptions } from "node:tls";
import { expect, test } from "vitest";
import { hasOpenssl, makeCertificate } from "../certificate.ts";
import { encode, map } from "./encode.ts";
import { Client, ForwardFixture, message } from "./forward-fixture.ts";

test.skipIf(!hasOpenssl)(
  "with TLS only clients with the right certificate get in (needs openssl)",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "weir-tls-"));
    try {
      const files = makeCertificate(directory);
      await using forward = await ForwardFixture.start({
        tls: { ...files, client_ca_file: files.cert_file },
      });
      const [cert, key] = [await readFile(files.cert_file, "utf8"), await readFile(files.key_file, "utf8")];
      const attempt = async (own: ConnectionOptions): Promise<boolean> => {
        const port = forward.server.port!;
        using client = new Client(
          connect({ host: "127.0.0.1", port, servername: "localhost", ca: cert, ...own }),
        );
        client.send(encode(["a", 1_700_000_000, map({}), map({ chunk: "c" })]));
        return await client.answer().then(
          () => true,
          () => false,
        );
      };
      expect(await attempt({ cert, key })).toBe(true);
      expect(await attempt({})).toBe(false);
      expect(await forward.lines()).toHaveLength(1);
      using plain = await forward.client();
      plain.send(encode(["a", 1_700_000_000, map({}), map({ chunk: "c" })]));
      // At most a TLS alert, and no acknowledgement.
      expect((await plain.rest()).includes("ack")).toBe(false);
      expect(await forward.lines()).toEqual([]);
      const failed = forward.warnings.filter((warning) => warning.includes("a TLS handshake failed"));
      expect(failed.length).toBeGreaterThan(0);
      for (const warning of failed) expect(warning).toContain('"peer":"127.0.0.1"');
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);

test.skipIf(!hasOpenssl)(
  "who connects and does not begin the TLS handshake makes room for others (needs openssl)",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "weir-tls-"));
    try {
      const tls = makeCertificate(directory);
      await using forward = await ForwardFixture.start({
        tls,
        max_connections: 1,
        message_timeout_ms: 1_000,
      });
      using silent = await forward.client();
      expect(await silent.rest()).toEqual(Buffer.alloc(0));
      expect(forward.server.counts.refusedBy).toMatchObject({ tls: 1, limit: 0 });
      const { port } = forward.server;
      using next = new Client(connect({ host: "127.0.0.1", port: port!, rejectUnauthorized: false }));
      expect(await next.deliver("one")).toBe(true);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);

test.skipIf(!hasOpenssl)(
  "over TLS, too, who has ended its side is answered, and load balancers are no news (needs openssl)",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "weir-tls-"));
    try {
      await using forward = await ForwardFixture.start({ tls: makeCertificate(directory) });
      const port = forward.server.port!;
      using client = new Client(connect({ host: "127.0.0.1", port, rejectUnauthorized: false }));
      client.send(message("one"));
      client.socket.end();
      expect(await client.rest()).toEqual(encode(map({ ack: "one" })));
      for (const how of ["end", "resetAndDestroy", "http"] as const) {
        const probe = connectPlain(port, "127.0.0.1").on("error", () => {});
        await once(probe, "connect");
        if (how === "http") probe.write("GET / HTTP/1.1\r\n\r\n");
        else probe[how]();
        probe.resume();
        await once(probe, "close");
      }
      await expect.poll(() => forward.server.counts.refusedBy.probe).toBe(3);
      expect(forward.warnings).toEqual([]);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
