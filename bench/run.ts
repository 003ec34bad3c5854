import { writeFile } from "node:fs/promises";
import { arch, cpus } from "node:os";
import { benchAgent } from "./agent.ts";
import { benchAudit } from "./audit.ts";
import { benchCodec } from "./codec.ts";
import { benchColdStart } from "./cold-start.ts";
import { benchCommit } from "./commit.ts";
import type { BenchRow } from "./cpu-time.ts";
import { benchLedger } from "./ledger.ts";
import { benchLoader } from "./loader.ts";
import { benchPushed } from "./pushed.ts";
import { benchRouter } from "./router.ts";
import { benchSequencer } from "./sequencer.ts";
import { benchStartUp } from "./start-up.ts";
import { benchTail } from "./tail.ts";

const RESULTS = new URL("results.md", import.meta.url);

const SECTIONS = [
  [
    "Aggregates",
    "User records of 200 bytes in aggregates of 1 MB, MD5 included, in one process; aws-kinesis-agg beside it.",
    benchCodec,
  ],
  [
    "Router",
    "From the event that Lambda hands over to the bytes that go to S3, 1 MB aggregates; the upload is left out. " +
      "The plain handler is aws-kinesis-agg, JSON.parse, JSON.stringify and gzip 6: it types and checks nothing. The parts " +
      "are each done by itself; reading, checking and writing rows is what is left.",
    benchRouter,
  ],
  [
    "Cold start",
    "A handler as it deploys, with the sample configuration, in a new process of Node: until it is imported, and until " +
      "it has answered its first event beside an empty lake. `Node alone` is a handler that does nothing.",
    benchColdStart,
  ],
  ["Commits", "Reading a commit's text, which each consumer of the lake does with each commit.", benchCommit],
  [
    "Log of commits",
    "100,000 commits put into the log by one sequencer, and read by one consumer. S3 is in the same process, without " +
      "network and SDK; what it takes of memory is the first row.",
    benchSequencer,
  ],
  [
    "Loads",
    "A loader that is behind by commits of 400 sources each plans load after load from the log on disk, until it has " +
      "caught up; the warehouse has nothing to do.",
    benchLoader,
  ],
  [
    "Audit",
    "The core of `weir audit` over a whole log of 2,000 hosts with three files each, 64 shards and three types; a folder " +
      "stands in for S3. Files that are rotated are sources of their own: 333,000 of a million commits.",
    benchAudit,
  ],
  [
    "Ledger",
    "A load of ten thousand sources that are read on and on, after loads that have brought so many ranges: what it reads " +
      "of the ledger. PostgreSQL stands in for Redshift, so that rows are the figure, and milliseconds a hint.",
    benchLedger,
  ],
  [
    "Agent",
    "From files in the page cache to a Kinesis endpoint that does nothing, checkpoints included, in a process of its own. " +
      "Where `FLUENT_BIT` names a binary, Fluent Bit does the same in turn: medians of three, and the ratio of CPU time.",
    () => benchAgent({ isFull: process.argv.includes("--all") }),
  ],
  [
    "Start-up",
    "From the start of the agent's process until it follows files and knows the stream's shards.",
    benchStartUp,
  ],
  [
    "Pushed events",
    "From a client of the forward protocol that waits for acknowledgements of 1,000 records each, through the spool, to " +
      "the same endpoint.",
    benchPushed,
  ],
  [
    "Files",
    "Many files that the agent follows, and how soon a line is on its way. `--all` adds a run of ten minutes.",
    () => benchTail(process.argv.includes("--all")),
  ],
] as const;

/** `npm run bench`: measures and prints; with `--write` it also keeps the figures in results.md, with `--all` it takes its time, and with a section's title it measures that one alone. */
async function main(): Promise<void> {
  const [cpu] = cpus();
  let text = `# What things cost

CPU-seconds (user and system, all threads) per GB of log lines; medians. Absolute figures belong to one shared machine on
one day, ratios within a table travel. To repeat them: \`npm run bench -- --write\`.

${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${arch()}, ${cpus().length} × ${cpu?.model.trim() ?? "unknown CPU"}.
`;
  const asked = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
  const sections = SECTIONS.filter(([title]) => asked.length === 0 || asked.includes(title.toLowerCase()));
  for (const [title, what, bench] of sections) {
    console.error(`measuring: ${title.toLowerCase()}`);
    text += `\n## ${title}\n\n${what}\n\n${table(await bench())}`;
  }
  process.stdout.write(text);
  if (process.argv.includes("--write") && asked.length === 0) await writeFile(RESULTS, text);
}

function table(rows: readonly BenchRow[]): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const lines = [
    ["", ...columns],
    ["---", ...columns.map(() => "---:")],
    ...rows.map(({ name, figures }) => [name, ...columns.map((column) => `${figures[column] ?? ""}`)]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

await main();
