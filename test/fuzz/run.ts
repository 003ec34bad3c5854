import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

/**
 * `npm run fuzz -- [TARGET ...] [--seconds 60] [--seed N]`: hands spoilt input to one target after the other, and tells
 * the seed of what it should have stood.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: `${Date.now()}` } },
});
const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0) {
  console.error(`no target ${unknown.join(", ")}: there is ${TARGETS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
for (const target of TARGETS) {
  if (positionals.length > 0 && !positionals.includes(target.name)) continue;
  const { cases, loopDelayMs, slowest, residentMiB } = await fuzz(
    target,
    Number(values.seed),
    Number(values.seconds) * 1_000,
  );
  console.log(
    `${target.name}: ${cases} cases from seed ${values.seed}, loop delay at most ${loopDelayMs} ms, ` +
      `CPU at most ${slowest.cpuMs} ms (seed ${slowest.seed}), memory at most +${residentMiB} MiB`,
  );
}
