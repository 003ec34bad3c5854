import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Tests start hundreds of agents, Lambdas and servers: most of a start is the compiling of the same files.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url));

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They download what they are tested against: npm run test:interop, npm run test:deploy.
    exclude: ["test/interop/**", "test/deploy/**"],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // However long it takes on a busy machine.
    expect: { poll: { timeout: 60_000 } },
    // Two cores are what we promise to run on. Tests wait for servers and processes for a third of their time.
    maxWorkers: 3,
  },
});
