import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withFiles } from "../../local/run/account.ts";
import { type AgentSource, checkAgentSources } from "../../local/reconcile/agent-source.ts";
import { countEvents } from "../../local/reconcile/count-events.ts";
import { renderTable } from "../../local/reconcile/render-table.ts";
import { countFile } from "../../local/reconcile/truth.ts";
import type { Commit } from "../../wire/commit.ts";

/** A commit as far as it speaks of one source. */
function brought(id: string, path: string, ranges: [number, number][], types = ["app"]): Commit {
  return { sources: [{ id, host: "h", path, ranges, gaps: [], types, conflicts: 0 }] } as unknown as Commit;
}

const counts = (lines: number, duplicates = 0) => ({
  lines,
  bytes: 0,
  rows: lines - duplicates,
  rejected: 0,
  filtered: 0,
  duplicates,
});
const file: AgentSource = { id: "f", path: "/app.log", bytes: 100, lines: 10 };
const spool: AgentSource = { id: "s", path: "spool:pushed", bytes: 50 };
const whole = [brought("f", "/app.log", [[0, 60]]), brought("f", "/app.log", [[60, 100]])];
const pushed = brought("s", "spool:pushed", [[0, 50]], ["web"]);

test("balances when each byte that the agent counts as delivered has come, and as many lines as the files hold", () => {
  const { problems, notes } = checkAgentSources([file, spool], [...whole, pushed], {
    app: counts(12, 2),
    web: counts(3),
  });
  expect(problems).toEqual([]);
  expect(notes).toEqual([
    expect.stringContaining("2 sources of the agent, 150 bytes"),
    "lines were counted in the files, too: app",
    expect.stringMatching(/bytes alone.*: web$/),
  ]);
});

test.each<[string, AgentSource[], Commit[], number, RegExp]>([
  ["bytes that are nowhere", [file], [whole[0]!], 10, /40 bytes of \/app\.log missing/],
  ["pushed events that are nowhere", [file, spool], whole, 10, /nothing of spool:pushed \(50 bytes\)/],
  [
    "bytes after what the agent counts",
    [{ ...file, bytes: 90 }],
    whole,
    10,
    /reaches to byte 100, but .* ends at 90/,
  ],
  ["lines that are fewer than the files'", [file], whole, 9, /app: the files hold 10 lines .*, 9 came/],
  ["a hole in what the agent knows no more", [], [whole[1]!], 10, /60 bytes of \/app\.log missing/],
])("does not balance with %s", (_claim, sources, commits, lines, problem) => {
  const { problems } = checkAgentSources(sources, commits, { app: counts(lines) });
  expect(problems).toEqual([expect.stringMatching(problem)]);
});

test("says that it did not count lines where a type has others than those of counted files, and where a source ended", () => {
  const mixed = brought("s", "spool:pushed", [[0, 50]]);
  const { problems, notes } = checkAgentSources([file, spool], [...whole, mixed], { app: counts(99) });
  expect(problems).toEqual([]);
  expect(notes.at(-1)).toMatch(/bytes alone.*: app$/);
  const forgotten = checkAgentSources([], whole, { app: counts(10) });
  expect(forgotten.problems).toEqual([]);
  expect(forgotten.notes.at(-1)).toMatch(/no longer knows source f .*where it ended was not checked/);
});

test("a file that was named and not read is missed, by whatever name it is known", async () => {
  const dir = mkdtempSync(join(tmpdir(), "weir-sources-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const [path, link, other] = ["java.log", "link.log", "other.log"].map((name) => join(dir, name));
  writeFileSync(path!, "  at the beginning\nERROR a\n  at b\nERROR c\n  at d");
  writeFileSync(other!, "x\n");
  symlinkSync(path!, link!);
  const java = await countEvents({ files: [await countFile(link!)] }, "^ERROR");
  expect(java.files).toMatchObject([{ bytes: 48, lines: 3 }]);
  const held = await withFiles([{ id: "j", path: path!, bytes: 20 }], {
    java,
    raw: { files: [await countFile(other!)] },
  });
  expect(held).toEqual([
    { id: "j", path: path!, bytes: 48, lines: 3 },
    { id: "", path: other!, bytes: 2, lines: 1 },
  ]);
});

test("the table says what the lake was held against, and advises nobody to look into a file that there is not", () => {
  const rejected = (type: string) => ({
    type,
    reason: "unparsed" as const,
    count: 1,
    example: { detail: "no", source: "s", offset: 0, line: "x", path: "spool:pushed" },
  });
  const table = renderTable(
    {
      balanced: true,
      seconds: 1,
      types: {
        web: { ...counts(1), rows: 0, rejected: 1 },
        _unrouted: { ...counts(1), rows: 0, rejected: 1 },
      },
      kinesis: { records: 1, userRecords: 2, bytes: 9 },
      s3: { objects: 1, bytes: 9 },
      warehouse: { loads: 0, rows: 0 },
      rejects: [rejected("web"), rejected("_unrouted")],
      quarantined: 0,
      problems: [],
      notes: ["1 source of the agent"],
    },
    { maxRejectedPercent: 5 },
  );
  expect(table).toContain("Held against\n    - 1 source of the agent\n");
  expect(table).toContain("npx weir infer FILE\n");
  expect(table).toContain("Give their tag to a log type");
});
