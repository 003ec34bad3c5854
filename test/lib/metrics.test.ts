import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const documented = new Map(
  read("docs/metrics.md")
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split("\n")[0]!.toLowerCase(), rowNames(section)] as const),
);

/** Names in the first column of a section's table. */
function rowNames(section: string): Set<string> {
  const cells = [...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) => cell!.split(", "));
  return new Set(cells.map((cell) => cell.replaceAll("`", "")));
}

/** Metrics are the only names in capital camel case that these files have as keys or texts. */
function emitted(path: string): Set<string> {
  const names = [...read(path).matchAll(/"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"|^ +([A-Z][A-Za-z]+):/gm)];
  return new Set(names.map(([, text, key]) => text ?? key!).filter((name) => name !== "Weir"));
}

test.each(["router", "sequencer", "loader", "fleet"])(
  "every metric of the %s is described, and no other",
  (name) => {
    expect([...documented.get(name)!].sort()).toEqual(
      [...emitted(`lambdas/${name}/${name}-metrics.ts`)].sort(),
    );
  },
);
