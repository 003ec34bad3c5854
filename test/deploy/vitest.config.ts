import { defineConfig } from "vitest/config";

/** `npm run test:deploy`: the real CDK command line, against a cloud on this machine that Python packages make. */
export default defineConfig({
  test: {
    include: ["test/deploy/**/*.test.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    // The local warehouse asks S3 in it.
    env: { AWS_REGION: "eu-west-1" },
    // Each deploys several times, and every Lambda of a deployment is a process.
    fileParallelism: false,
  },
});
