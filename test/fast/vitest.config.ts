import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { serverFree } from "./server-free.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What is not for every save. */
const LEFT_OUT = [
  // Long runs over seeds and inputs, and synthesized stacks.
  "test/agent/interleaved.test.ts",
  "test/faults/**",
  "test/fuzz/**",
  "test/lib/**",
  "test/router/linear.test.ts",
  "test/sequencer/model.test.ts",
  // The agent's own sockets.
  "test/agent/listener.test.ts",
  // Puts something else in a module's place, which the others import.
  "test/agent/directory-watches.test.ts",
].map((pattern) => `!${pattern}`);

/** `npm run test:fast`: the tests that need no servers, for every save. `npm test` runs them, too. */
export default defineConfig({
  root,
  test: {
    include: serverFree(root, ["test/**/*.test.ts", "!test/deploy/**", "!test/interop/**", ...LEFT_OUT]),
    setupFiles: [fileURLToPath(new URL("no-servers.ts", import.meta.url))],
    testTimeout: 60_000,
    maxWorkers: 2,
    // Most of the time would be importing: they share what they import.
    isolate: false,
  },
});
