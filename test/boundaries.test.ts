import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { globSync } from "tinyglobby";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
let tree: string;

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "weir-boundaries-"));
  copyFileSync(join(root, ".oxlintrc.json"), join(tree, ".oxlintrc.json"));
});
afterAll(() => rmSync(tree, { recursive: true }));

/** What the linter says of a file in the place of `file` that imports `specifier`. */
function lint(file: string, specifier: string): string {
  const path = join(tree, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import { x } from "${specifier}";\nexport const y = x;\n`);
  const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), [path], {
    cwd: tree,
    encoding: "utf8",
  });
  rmSync(path);
  return stdout;
}

describe("the linter", () => {
  test.each([
    ["wire/x.ts", "../agent/process/agent.ts"],
    ["agent/tail/x.ts", "../../lambdas/router/router.ts"],
    ["agent/x.ts", "../local/cloud.ts"],
    ["lambdas/router/x.ts", "../../agent/agent.ts"],
    ["lambdas/router/x.ts", "../loader/loader.ts"],
    ["lambdas/loader/sql/x.ts", "../../router/router.ts"],
    ["lambdas/grants/x.ts", "../loader/data-api.ts"],
    ["lambdas/sequencer/x.ts", "../loader/loader.ts"],
    ["lambdas/loader/x.ts", "../sequencer/sequencer.ts"],
    ["lambdas/fleet/x.ts", "../loader/loader.ts"],
    ["lambdas/sequencer/x.ts", "../fleet/run.ts"],
    ["ops/status/x.ts", "../../lambdas/fleet/page.ts"],
    ["lambdas/commit-log/x.ts", "../sequencer/sequencer.ts"],
    ["lambdas/router/x.ts", "aws-cdk-lib/aws-s3"],
    ["lambdas/guard/x.ts", "../loader/data-api.ts"],
    ["ops/loads/x.ts", "../../lambdas/loader/state.ts"],
    ["ops/x.ts", "../lambdas/router/handler.ts"],
    ["lib/x.ts", "../agent/process/agent.ts"],
    ["local/x.ts", "../bin/weir.ts"],
  ])("refuses in %s an import of %s", (file, specifier) => {
    expect(lint(file, specifier)).toContain("no-restricted-imports");
  });

  test.each([
    ["agent/tail/x.ts", "../../wire/limits.ts"],
    ["lambdas/router/x.ts", "../../wire/limits.ts"],
    ["lambdas/loader/x.ts", "../commit-log/cursor.ts"],
    ["lambdas/fleet/x.ts", "../commit-log/cursor.ts"],
    ["ops/x.ts", "../lambdas/commit-log/cursor.ts"],
    ["ops/replay/x.ts", "../../lambdas/router/router.ts"],
    ["lib/x.ts", "aws-cdk-lib/aws-s3"],
    ["local/x.ts", "../agent/process/agent.ts"],
    ["bin/x.ts", "../local/cloud.ts"],
  ])("allows in %s an import of %s", (file, specifier) => {
    expect(lint(file, specifier)).not.toContain("no-restricted-imports");
  });
});

test("zod is imported by its namespace, of which bundles keep what is used: { z } holds all of its locales", () => {
  const ignore = ["**/node_modules/**", "**/dist/**", "**/cdk.out/**"];
  // The linter's rule for names forbids the namespace with them.
  const named = globSync("**/*.ts", { cwd: root, ignore }).filter((file) =>
    /^import (?:\{[^}]*\bz\b[^}]*\}|z) from "zod"/m.test(readFileSync(join(root, file), "utf8")),
  );
  expect(named).toEqual([]);
});

describe("the compiler", () => {
  const references = (folder: string) =>
    (
      JSON.parse(readFileSync(join(root, folder, "tsconfig.json"), "utf8")) as {
        references: { path: string }[];
      }
    ).references
      .map(({ path }) => join(folder, path))
      .toSorted();

  test.each([
    ["wire", []],
    ["agent", ["wire"]],
    ["lambdas/commit-log", ["wire"]],
    ["lambdas/router", ["lambdas/commit-log", "wire"]],
    ["lambdas/loader", ["lambdas/commit-log", "wire"]],
    ["lambdas/sequencer", ["lambdas/commit-log", "wire"]],
    ["lambdas/fleet", ["lambdas/commit-log", "wire"]],
    ["lambdas/grants", ["wire"]],
    ["lambdas/guard", ["wire"]],
    ["ops", ["lambdas/commit-log", "lambdas/router", "wire"]],
    ["lib", ["wire"]],
  ])("lets %s see only %j", (folder, seen) => {
    expect(references(folder)).toEqual(seen);
  });
});
