import { defineConfig } from "vitest/config";

/** `npm run test:interop`: other people's readers and writers. It downloads them, so nothing else runs it. */
export default defineConfig({
  test: {
    include: ["test/interop/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
