import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { ALONE, serverFree } from "./test/fast/server-free.ts";

// Tests start hundreds of agents, Lambdas and servers: most of a start is the compiling of the same files.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url));

const TESTS = ["test/**/*.test.ts"];
// They download what they are tested against: npm run test:interop, npm run test:deploy.
const ELSEWHERE = ["test/interop/**", "test/deploy/**"];
const root = fileURLToPath(new URL(".", import.meta.url));
/** Tests that leave nothing behind in their process: they start nothing, or stop it, and put nothing in a module's place. */
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
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // However long it takes on a busy machine.
    expect: { poll: { timeout: 60_000 } },
    // Two cores are what we promise to run on. Tests wait for servers and processes for a third of their time.
    maxWorkers: 3,
    projects: [
      // They share what they import, which would be much of their time: a short one of the loader's, half.
      { extends: true, test: { name: "sharing", include: sharing, isolate: false } },
      {
        extends: true,
        test: { name: "alone", include: TESTS, exclude: [...ELSEWHERE, ...sharing] },
      },
    ],
  },
});
