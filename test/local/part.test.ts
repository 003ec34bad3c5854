import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { freePort } from "../../local/part.ts";

const SYSTEM_PORTS = "/proc/sys/net/ipv4/ip_local_port_range";

test("free ports are others each time", async () => {
  const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
  expect(new Set(ports).size).toBe(100);
});

test.skipIf(!existsSync(SYSTEM_PORTS))(
  "a free port is none that the system gives to others before it is listened on",
  async () => {
    const [first = 0, last = 0] = readFileSync(SYSTEM_PORTS, "utf8").trim().split(/\s+/).map(Number);
    const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
    expect(ports.filter((port) => port >= first && port <= last)).toEqual([]);
  },
);
