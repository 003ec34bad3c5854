import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { Listener } from "../../agent/machine/listener.ts";
import type * as UnixSocket from "../../agent/machine/unix-socket.ts";

/** Runs while a socket is there and its access is not set yet. */
const meanwhile = vi.hoisted(() => ({ run: async (_path: string): Promise<void> => {} }));
vi.mock("../../agent/machine/unix-socket.ts", async (original) => {
  const real = await original<typeof UnixSocket>();
  const applySocketAccess: typeof real.applySocketAccess = async (path, access) => {
    await meanwhile.run(path);
    return real.applySocketAccess(path, access);
  };
  return { ...real, applySocketAccess };
});

test("who connects before a socket's access is set is taken, with all that it has sent", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weir-listener-"));
  meanwhile.run = async (path) => {
    const client = connect(path);
    await once(client, "connect");
    client.end("early\n");
    // Until this process has been told of the connection.
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const taken = Promise.withResolvers<Socket>();
  await using listener = await Listener.open(
    { path: join(directory, "l.sock") },
    "test",
    pino({ level: "silent" }),
  );
  listener.give({ maxConnections: 10, accept: taken.resolve, drop: () => {} });
  let text = "";
  for await (const chunk of await taken.promise) text += String(chunk);
  expect(text).toBe("early\n");
  await rm(directory, { recursive: true });
});
