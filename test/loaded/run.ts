import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/**
 * `npm run test:loaded -- [FILE ...] [--runs 10] [--at-once 1] [--loops 4]`: the whole suite, or some files of it, again and
 * again beside loops that take whatever the machine gives them. After a run that fails, whose output is kept, none is begun.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "10" },
    "at-once": { type: "string", default: "1" },
    loops: { type: "string", default: "4" },
  },
});
const [runs, atOnce, loops] = [values.runs, values["at-once"], values.loops].map(Number) as [
  number,
  number,
  number,
];
if (![runs, atOnce].every((count) => count >= 1) || !(loops >= 0)) {
  console.error("--runs and --at-once are numbers from 1, --loops is one from 0");
  process.exit(2);
}
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Ends with whoever started it, however that ends. */
const LOOP = "for (const parent = process.ppid; process.ppid === parent; ) for (let i = 0; i < 1e9; i++);";

const logs = mkdtempSync(join(tmpdir(), "weir-loaded-"));
const busy = Array.from({ length: loops }, () => spawn(process.execPath, ["-e", LOOP], { stdio: "ignore" }));
let begun = 0;
await Promise.all(Array.from({ length: atOnce }, runNext));
for (const loop of busy) loop.kill();
if (process.exitCode === undefined) rmSync(logs, { recursive: true });

async function runNext(): Promise<void> {
  while (begun < runs && process.exitCode === undefined) await suite(++begun);
}

async function suite(number: number): Promise<void> {
  const beganAt = performance.now();
  const file = join(logs, `run-${number}.log`);
  const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...positionals], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(file);
  for (const output of [child.stdout, child.stderr]) output.pipe(log, { end: false });
  const [code] = (await once(child, "close")) as [number | null];
  await new Promise<void>((done) => log.end(done));
  const tests = /^ *Tests +(.*)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? "no tests";
  const seconds = Math.round((performance.now() - beganAt) / 1_000);
  const load = loadavg()[0]!.toFixed(1);
  console.log(`run ${number} of ${runs}: ${tests}, in ${seconds} s at load ${load}`);
  if (code === 0) return;
  console.error(`run ${number} failed: ${file}`);
  process.exitCode = 1;
}
