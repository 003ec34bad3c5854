import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { globSync } from "tinyglobby";
import { defineConfig } from "vitest/config";
import { ALONE, serverFree } from "./test/fast/server-free.ts";

// Tests start hundreds of agents, Lambdas and servers: most of a start is the compiling of the same files.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url));

const TESTS = ["test/**/*.test.ts"];
// They download what they are tested against: npm run test:interop, npm run test:deploy.
const ELSEWHERE = ["test/interop/**", "test/deploy/**"];
const root = fileURLToPath(new URL(".", import.meta.url));
/** Tests that put something in a module's place: vitest's module runner does that. */
const mocking = globSync(TESTS, { cwd: root }).filter((file) =>
  readFileSync(join(root, file), "utf8").includes("\nvi.mock("),
);
/** Tests that leave nothing behind in their process: they start nothing, or stop it. */
const sharing = [
  ...serverFree(root, [...TESTS, ...[...ELSEWHERE, ...ALONE].map((pattern) => `!${pattern}`)]),
  "test/{commit-log,fleet,grants,guard,loader}/**/*.test.ts",
  // But for those of the console, which have a browser.
  "test/local/!(console*).test.ts",
  "test/ops/{audit-tables,erase,read-commits,replay-rejected,replay}.test.ts",
];

export default defineConfig({
  test: {
    globalSetup: "test/run-folder.ts",
    // However long it takes on a busy machine: these are for what hangs.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 120_000 } },
    // Two cores are what we promise to run on. Tests wait for servers and processes for a third of their time.
    maxWorkers: 3,
    // Node.js loads our code here as it does for users, in less time than vitest's module runner, and with Node.js's errors.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    projects: [
      // They share what they import, which would be much of their time: a short one of the loader's, half.
      { extends: true, test: { name: "sharing", include: sharing, exclude: mocking, isolate: false } },
      {
        extends: true,
        test: { name: "alone", include: TESTS, exclude: [...ELSEWHERE, ...sharing, ...mocking] },
      },
      {
        extends: true,
        test: { name: "mocking", include: mocking, experimental: { viteModuleRunner: true } },
      },
    ],
  },
});
