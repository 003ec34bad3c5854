#!/usr/bin/env node
import { readFileSync, writeFileSync } from "node:fs";
import { inspect, parseArgs } from "node:util";
import { agentConfigSchema } from "../agent/config/config.ts";
import { METRIC_GROUPS } from "../agent/monitor/metric-catalogue.ts";
import { weirConfigSchema } from "../wire/config.ts";
import { expressionPage } from "./reference/expression-page.ts";
import { FORMAT_EXAMPLES, type FormatExample } from "./reference/format-examples.ts";
import { type JsonSchema, jsonSchema } from "./reference/json-schema.ts";
import { reference } from "./reference/markdown.ts";

/**
 * Writes what is generated from the schemas of both configurations and from the catalogue of metrics: the
 * references, and a JSON Schema for editors. With --check it only tells, by its exit code, whether they are up to date.
 */
const generated =
  "<!-- Written by bin/config-reference.mts from the schema; `npm run reference` writes it anew. -->";

const agentPage = `# The agent's configuration

${generated}

A TOML file, \`/etc/weir/agent.toml\` by custom. Every text may hold \`\${NAME}\`, a variable of the environment, and
\`\${hostname}\`; \`$\${\` stands for \`\${\`. A name without a value is an error, as is a setting that is not in this
list. Where a number counts bytes or milliseconds, a text with another unit does as well: \`"64 KiB"\`, \`"5 MB"\` for
5,000,000 bytes, \`"5 min"\`. Editors check the file against [agent-config.schema.json](agent-config.schema.json) when it begins with
\`#:schema\` and the place of that file.

${reference(jsonSchema(agentConfigSchema), tomlHeading)}`;

const weirPage = `# weir.config.ts

${generated}

What is deployed, and which log types there are. \`defineConfig\` gives the file its types. Where a number has a unit of time
or of memory, a text with another one does as well: \`"2 min"\` for 120 s, \`"1 GB"\` for 1,024 MB, \`"3 days"\` for 72 h.

${reference(jsonSchema(weirConfigSchema), (path) => `\`${path.join(".")}\``)}
## Examples of formats

A type each but for its name, a line, and the row that comes of it, without the columns that every row has.

${FORMAT_EXAMPLES.map(example).join("\n")}`;

function example({ title, type, line, row }: FormatExample): string {
  const shown = (value: unknown): string => inspect(value, { depth: 9, compact: 3, breakLength: 110 });
  return `### ${title}

\`\`\`js
${shown(type)}
\`\`\`

\`\`\`text
${line}
\`\`\`

\`\`\`js
${shown(row)}
\`\`\`
`;
}

const metricsPage = `# The agent's metrics

<!-- Written by bin/config-reference.mts from the catalogue; \`npm run reference\` writes it anew. -->

What \`/metrics\` of the monitor tells, in Prometheus' text format. Counters begin at 0 with the process, and those of
files, lines and Kinesis with each reload, too. What there is nothing of, such as a spool where nothing is pushed, has
no series.

How many series there can be is bounded: files have theirs up to \`monitor.max_file_series\`, those that lag the most
first, and files that have ended have none; tags have theirs up to 200, and all others are \`_weir.other\`. Shards, sockets
and \`[[files]]\` entries are as many as there are.

${Object.entries(METRIC_GROUPS).map(metricTable).join("\n")}`;

function metricTable([title, metrics]: [string, (typeof METRIC_GROUPS)[keyof typeof METRIC_GROUPS]]): string {
  const rows = Object.entries(metrics).map(
    ([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help} |\n`,
  );
  return `## ${title}\n\n| Metric | Type | Labels | |\n|---|---|---|---|\n${rows.join("")}`;
}

/** Numbers that may also be texts with a unit. */
function withUnits(schema: JsonSchema): object {
  return JSON.parse(JSON.stringify(schema), (_key, part: JsonSchema | null) =>
    part?.type === "integer" && (part.unit === "ms" || part.unit === "bytes")
      ? { ...part, type: ["integer", "string"] }
      : part,
  ) as object;
}

const FILES = {
  "docs/agent-metrics.md": metricsPage,
  "docs/agent-config.md": agentPage,
  "docs/config.md": weirPage,
  "docs/expressions.md": expressionPage(
    "<!-- Written by bin/config-reference.mts from the functions' catalogue; `npm run reference` writes it anew. -->",
    example,
  ),
  "docs/agent-config.schema.json": `${JSON.stringify(withUnits(jsonSchema(agentConfigSchema)), undefined, 2)}\n`,
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
