import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonSchema } from "../bin/reference/json-schema.ts";
import { reference } from "../bin/reference/markdown.ts";
import { agentConfigSchema } from "../agent/config/config.ts";
import { weirConfigSchema } from "../wire/config.ts";

const root = join(import.meta.dirname, "..");

test("the committed references and JSON Schema are what the schemas say", () => {
  const { status, stderr } = spawnSync(process.execPath, ["bin/config-reference.mts", "--check"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test.each([
  ["agent", agentConfigSchema],
  ["weir.config.ts", weirConfigSchema],
])("every field of the %s schema is in its reference, and no value of this host", (_, schema) => {
  const text = reference(jsonSchema(schema), (path) => path.join("."));
  const names = JSON.stringify(jsonSchema(schema)).matchAll(/"properties":\{"(\w+)"/g);
  for (const [, name] of names) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
  expect(text).not.toContain("undefined");
});
