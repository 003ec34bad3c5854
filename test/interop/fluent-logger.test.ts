import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ForwardFixture } from "../agent/forward/forward-fixture.ts";
import { has, here, run } from "./program.ts";

const COUNT = 500;
const hasGo = has("go", "version");

test.skipIf(!hasGo).each(["tcp", "unix"] as const)(
  "every record that Go's fluent-logger sends by %s is acknowledged, and is there (needs go)",
  async (network) => {
    const folder = await mkdtemp(join(tmpdir(), "weir-fluent-"));
    try {
      const unix_path = join(folder, "forward.sock");
      await using forward = await ForwardFixture.start(network === "unix" ? { unix_path } : {});
      const address = network === "unix" ? unix_path : `${forward.server.port}`;
      // It ends with an error where an acknowledgement does not come.
      await run("go", ["run", "fluent_logger.go", network, address, `${COUNT}`], { cwd: here(".") });
      const lines = await forward.lines();
      expect(new Set(lines.map(([tag]) => tag))).toEqual(new Set(["app.go"]));
      const records = lines.map(([, line]) => JSON.parse(line) as { time: string; n: number; text: string });
      records.sort((a, b) => a.n - b.n);
      const sent = { time: "2023-11-14T22:13:20Z", text: "ünïcode \u{1f30a}" };
      expect(records).toEqual(Array.from({ length: COUNT }, (_, n) => ({ ...sent, n })));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
