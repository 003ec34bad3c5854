import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BY_NODE, BY_VITEST, LONG, mocking, serverFree } from "./test/kinds.ts";
import { EVENT_MS, TEST_MS } from "./test/time-limits.ts";

// Tests start hundreds of agents, Lambdas and servers: most of a start is the compiling of the same files.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url));

const TESTS = ["test/**/*.test.ts"];
// They download what they are tested against: npm run test:interop, npm run test:deploy.
const ELSEWHERE = ["test/interop/**", "test/deploy/**"];
const root = fileURLToPath(new URL(".", import.meta.url));
const mocks = mocking(root, TESTS);
/** Tests that leave nothing behind in their process: they start nothing, or stop it. */
const sharing = [
  ...serverFree(root, [...TESTS, ...[...ELSEWHERE, ...LONG].map((pattern) => `!${pattern}`)]),
  "test/{commit-log,fleet,grants,guard,loader}/**/*.test.ts",
  // But for those of the console, which have a browser.
  "test/local/!(console*).test.ts",
  "test/ops/{audit-tables,erase,read-commits,replay-rejected,replay}.test.ts",
];

export default defineConfig({
  test: {
    globalSetup: "test/run-folder.ts",
    testTimeout: TEST_MS,
    hookTimeout: TEST_MS,
    expect: { poll: { timeout: EVENT_MS } },
    // Two cores are what we promise to run on. Tests wait for servers and processes for a third of their time.
    maxWorkers: 3,
    experimental: BY_NODE,
    projects: [
      // They share what they import, which would be much of their time: a short one of the loader's, half.
      { extends: true, test: { name: "sharing", include: sharing, exclude: mocks, isolate: false } },
      {
        extends: true,
        test: { name: "alone", include: TESTS, exclude: [...ELSEWHERE, ...sharing, ...mocks] },
      },
      {
        extends: true,
        test: { name: "mocking", include: mocks, experimental: BY_VITEST },
      },
    ],
  },
});
