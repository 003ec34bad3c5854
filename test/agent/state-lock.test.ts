import { once } from "node:events";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AgentError } from "../../agent/agent-error.ts";
import { StateLock } from "../../agent/progress/state-lock.ts";

/** Leaves the socket of a holder that has died. */
async function leaveDeadSocket(directory: string): Promise<void> {
  const server = createServer();
  server.listen(join(directory, "dying.sock"));
  await once(server, "listening");
  await rename(join(directory, "dying.sock"), join(directory, "agent.sock"));
  server.close();
  await once(server, "close");
}

test("of agents that find a dead one's lock at the same time, one gets it, however they meet", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weir-lock-"));
  try {
    for (let round = 0; round < 60; round++) {
      await leaveDeadSocket(directory);
      const found = await Promise.allSettled(Array.from({ length: 6 }, () => StateLock.take(directory)));
      const locks = found.filter((one) => one.status === "fulfilled").map(({ value }) => value);
      expect(locks).toHaveLength(1);
      for (const one of found)
        if (one.status === "rejected")
          expect((one.reason as AgentError).message).toContain(
            "another agent runs with this state directory",
          );
      await locks[0]![Symbol.asyncDispose]();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
