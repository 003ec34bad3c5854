import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { expect, test } from "vitest";

const file = new URL("../bin/weir.ts", import.meta.url);

/** Runs the command's first file as the CommonJS that an older Node takes it for. */
function runAs(node: string): { said: string[]; exitCode: number | undefined } {
  const said: string[] = [];
  const process = { versions: { node }, exitCode: undefined };
  const context = createContext({ process, console: { error: (line: string) => said.push(line) } });
  runInContext(readFileSync(file, "utf8").replace(/^#!.*/, ""), context);
  return { said, exitCode: process.exitCode };
}

test.each(["18.0.0", "20.20.2", "22.18.0"])("Node %s is told in one sentence what is wrong", (node) => {
  const { said, exitCode } = runAs(node);
  expect(said).toEqual([
    expect.stringMatching(new RegExp(`^weir: this is Node ${node}, .* Node 24: .*npx weir`)),
  ]);
  expect(exitCode).toBe(1);
});

test("the Node that comes with it runs the command", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["bin/weir.ts", "--version"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
