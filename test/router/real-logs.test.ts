import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, RAW, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

/** Real log files, kept beside the repository, not in it. */
const LOGS = new URL("../../../shared/logs/", import.meta.url);
const LINE_FEED = 0x0a;

/** The lines of a file as an agent frames them: without the line feed, the last one with or without. */
function linesOf(name: string): { data: Buffer; extent: number }[] {
  const file = readFileSync(new URL(name, LOGS));
  const lines: { data: Buffer; extent: number }[] = [];
  for (let at = 0; at < file.length;) {
    const feed = file.indexOf(LINE_FEED, at);
    const end = feed < 0 ? file.length : feed;
    const next = feed < 0 ? end : end + 1;
    lines.push({ data: file.subarray(at, end), extent: next - at });
    at = next;
  }
  return lines;
}

const ACCESS: WeirConfigInput["types"][number] = {
  name: "access",
  parse: { format: "combined" },
  time: { field: "time", format: "clf" },
  columns: [
    { name: "host", type: "varchar(255)", nullable: false },
    { name: "method", type: "varchar(16)" },
    { name: "path", type: "varchar(8192)" },
    { name: "status", type: "smallint", nullable: false },
    { name: "bytes", type: "bigint" },
    { name: "agent", type: "varchar(2048)" },
  ],
};

describe.skipIf(!existsSync(LOGS))("real log files", () => {
  test("all 5,000 lines of an access log become rows with the values that stand in the line", () => {
    const lines = linesOf("apache-combined.log");
    const record = streamRecord(aggregate(lines.map((line) => ({ tag: "access", ...line }))));
    const routed = new Router(configOf([ACCESS])).route([record]);
    expect(rejectsOf(routed)).toEqual([]);
    const rows = rowsOf(routed).sort((a, b) => a._off - b._off);
    expect(rows).toHaveLength(5_000);
    let offset = 0;
    rows.forEach((row, i) => {
      const line = lines[i]!.data.toString();
      expect(row._off).toBe(offset);
      offset += lines[i]!.extent;
      expect(line.startsWith(`${row["host"] as string} `)).toBe(true);
      expect(line).toContain(` ${row["status"] as number} ${(row["bytes"] as number | undefined) ?? "-"} "`);
      if (row["agent"] !== undefined) expect(line.endsWith(`"${row["agent"] as string}"`)).toBe(true);
      if (row["path"] !== undefined)
        expect(line).toContain(`"${row["method"] as string} ${row["path"] as string} HTTP/`);
    });
    expect(routed.commit.sources[0]?.ranges).toEqual([[0, offset]]);
    expect(routed.commit.types["access"]).toMatchObject({
      lines: 5_000,
      bytes: offset,
      rows: 5_000,
      rejected: 0,
    });
  });

  test.each(["apache.log", "hadoop.log", "linux.log", "openssh.log", "zookeeper.log"])(
    "all 2,000 lines of %s, carriage returns and an unfinished last line included, come out without them",
    (name) => {
      const lines = linesOf(name);
      expect(lines.at(-1)!.extent).toBe(lines.at(-1)!.data.length);
      const record = streamRecord(aggregate(lines.map((line) => ({ tag: "raw", ...line }))));
      const routed = new Router(configOf([RAW])).route([record]);
      const rows = rowsOf(routed);
      expect(rows.map((row) => row["line"])).toEqual(
        lines.map(({ data }) => data.toString().replace(/\r$/, "")),
      );
      const size = readFileSync(new URL(name, LOGS)).length;
      expect(routed.commit.types["raw"]).toMatchObject({ lines: 2_000, bytes: size, rows: 2_000 });
      expect(routed.commit.sources[0]?.ranges).toEqual([[0, size]]);
    },
  );

  test.each([
    [
      "openssh.log",
      String.raw`^(?<at>\w{3} [ \d]\d [\d:]{8}) (?<machine>\S+) sshd\[(?<pid>\d+)\]: (?<text>.*)$`,
      "syslog",
    ],
    ["zookeeper.log", String.raw`^(?<at>\S+ \S+) - (?<level>\w+) +\[(?<text>.*)$`, "iso8601"],
  ] as const)("all 2,000 lines of %s match a pattern that is tied to both ends", (name, pattern, format) => {
    const type: WeirConfigInput["types"][number] = {
      name: "regex",
      parse: { format: "regex", pattern },
      time: { field: "at", format },
      columns: [{ name: "text", type: "varchar(4096)", nullable: false }],
    };
    const lines = linesOf(name);
    const record = streamRecord(aggregate(lines.map((line) => ({ tag: "regex", ...line }))));
    const routed = new Router(configOf([type], { lake: { maxHoursPerBatch: 1_000 } })).route([record]);
    expect(rejectsOf(routed)).toEqual([]);
    expect(routed.commit.types["regex"]).toMatchObject({ lines: 2_000, rows: 2_000 });
    for (const { text } of rowsOf(routed) as unknown as { text: string }[]) expect(text).not.toContain("\r");
  });
});
