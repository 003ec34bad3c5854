#!/usr/bin/env node
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { agentConfigSchema } from "../agent/config.ts";
import { weirConfigSchema } from "../wire/config.ts";
import { jsonSchema } from "./reference/json-schema.ts";
import { reference } from "./reference/markdown.ts";

/**
 * Writes what is generated from the schemas of both configurations: the references, and a JSON Schema
 * for editors. With --check it only tells, by its exit code, whether they are up to date.
 */
const generated =
  "<!-- Written by bin/config-reference.ts from the schema; `npm run reference` writes it anew. -->";

const agentPage = `# The agent's configuration

${generated}

A TOML file, \`/etc/weir/agent.toml\` by custom. Every text may hold \`\${NAME}\`, a variable of the environment, and
\`\${hostname}\`; \`$\${\` stands for \`\${\`. A name without a value is an error, as is a setting that is not in this
list. Editors check the file against [agent-config.schema.json](agent-config.schema.json) when it begins with
\`#:schema\` and the place of that file.

${reference(jsonSchema(agentConfigSchema), tomlHeading)}`;

const weirPage = `# weir.config.ts

${generated}

What is deployed, and which log types there are. \`defineConfig\` gives the file its types.

${reference(jsonSchema(weirConfigSchema), (path) => `\`${path.join(".")}\``)}`;

const FILES = {
  "docs/agent-config.md": agentPage,
  "docs/config.md": weirPage,
  "docs/agent-config.schema.json": `${JSON.stringify(jsonSchema(agentConfigSchema), undefined, 2)}\n`,
};

function tomlHeading(path: readonly string[]): string {
  const name = path.join(".");
  return name.endsWith("[]") ? `\`[[${name.slice(0, -2)}]]\`` : `\`[${name}]\``;
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const [name, text] of Object.entries(FILES)) {
  const url = new URL(`../${name}`, import.meta.url);
  if (!values.check) writeFileSync(url, text);
  else if (readFileSync(url, "utf8") !== text) {
    process.stderr.write(`${name} is not what the schema says: npm run reference\n`);
    process.exitCode = 1;
  }
}
