import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { ALONE, serverFree } from "./server-free.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What is not for every save: synthesized stacks among it. */
const LEFT_OUT = ["test/deploy/**", "test/interop/**", "test/lib/**", ...ALONE].map(
  (pattern) => `!${pattern}`,
);

/** `npm run test:fast`: the tests that need no servers, for every save. `npm test` runs them, too. */
export default defineConfig({
  root,
  test: {
    include: serverFree(root, ["test/**/*.test.ts", ...LEFT_OUT]),
    setupFiles: [fileURLToPath(new URL("no-servers.ts", import.meta.url))],
    testTimeout: 60_000,
    maxWorkers: 2,
    // Most of the time would be importing: they share what they import.
    isolate: false,
  },
});
