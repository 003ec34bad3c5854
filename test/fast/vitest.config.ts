import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BY_NODE, LONG, mocking, serverFree } from "../kinds.ts";
import { EVENT_MS, TEST_MS } from "../time-limits.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const TESTS = ["test/**/*.test.ts"];
/** What is not for every save: synthesized stacks among it. */
const LEFT_OUT = ["test/deploy/**", "test/interop/**", "test/lib/**", ...LONG].map(
  (pattern) => `!${pattern}`,
);

/** `npm run test:fast`: the tests that need no servers, for every save. `npm test` runs them, too. */
export default defineConfig({
  root,
  test: {
    include: serverFree(root, [...TESTS, ...LEFT_OUT]),
    exclude: mocking(root, TESTS),
    setupFiles: [fileURLToPath(new URL("no-servers.ts", import.meta.url))],
    experimental: BY_NODE,
    testTimeout: TEST_MS,
    expect: { poll: { timeout: EVENT_MS } },
    maxWorkers: 2,
    // Most of the time would be importing: they share what they import.
    isolate: false,
  },
});
