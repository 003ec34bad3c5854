import { defineConfig } from "vitest/config";

/** `npm run test:interop`: other people's readers and writers. They are downloaded, so nothing else runs this. */
export default defineConfig({
  test: {
    globalSetup: "test/run-folder.ts",
    include: ["test/interop/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
