import { inspect } from "node:util";
import { FUNCTIONS, type ExpressionFunction } from "../../wire/expression/functions.ts";
import type { FormatExample } from "./format-examples.ts";
import { EXPRESSION_EXAMPLES } from "./expression-examples.ts";

/** The reference of expressions; its functions come from their catalogue. */
export const expressionPage = (
  generated: string,
  example: (example: FormatExample) => string,
): string => `# Expressions

${generated}

A column's \`value\`, a type's \`drop\` and the \`when\` of its \`copy\` are expressions, in a part of
[CEL](https://cel.dev), the language of conditions in Kubernetes and Google Cloud, with functions for logs
([why](decisions/0023-expressions-are-a-part-of-cel.md)). They are checked when the configuration is read: a name that the
format does not have, a function that is not there, values that cannot go together or that never fit the column are errors
that name the type, the column and the character.

\`\`\`js
${shown({
  value: "int(status) >= 500",
  drop: 'path == "/health" && !agent.contains("curl")',
})}
\`\`\`

## Values

| | |
|---|---|
| \`status\`, \`user.id\`, \`id.orig_h\` | a field of the line, as \`field\` of a column names it: in JSON dots reach into objects where no name has the dots itself. Null where there is none |
| \`field("http-host")\` | a field whose name is no word |
| \`_line\`, \`_tag\`, \`_path\`, \`_host\` | the whole line, its tag, and where it was read; the last two are null for other producers |
| \`_labels.NAME\` | a label that the agent's configuration gives its host; null where it gives none |
| \`_time\`, \`_arrived_at\` | event time and arrival, as times |
| \`"text"\`, \`'text'\`, \`r"\\d+"\` | a text, with \`\\n\`, \`\\t\`, \`\\"\`, \`\\u00e9\` for what they mean elsewhere; behind \`r\`, backslashes are themselves |
| \`1\`, \`0.5\`, \`1e3\`, \`0xff\`, \`true\`, \`false\`, \`null\`, \`["a", "b"]\` | |

Formats of text give texts: \`int(status) >= 500\`, where JSON's numbers are numbers already. Numbers are as in JSON, with
15 digits or so; \`7 / 2\` is 3.5, unlike in CEL, and \`int(7 / 2)\` is 3.

## Operators

From the loosest: \`c ? a : b\`, \`||\`, \`&&\`, \`== != < <= > >= in\`, \`+ -\`, \`* / %\`, \`! -\`. \`+\` also puts texts together, and
a time less another one is seconds. \`in\` asks a list, or an object for a name. \`list[0]\`, \`object["name"]\` and
\`object.name\` take an item.

\`has(field)\` tells whether there is a value. \`list.exists(item, condition)\` and \`list.all(item, condition)\` ask each
item of a list; the condition sees the item and constants alone.

## Where there is no value

An expression that cannot be worked out for a line has no value: a field in it is not there, is of another type than the
operation wants, a text is no number, a key is in no table, a number is divided by zero. As in CEL, \`||\` and \`&&\` are
settled by the one side that can be worked out. Then

- a column gets its \`default\`, or null; if it must not be null, the line is rejected with the reason \`missing\`, and says
  why there is no value;
- \`drop\` drops nothing, and \`when\` copies nothing.

A value that does not fit its column is dealt with as a field's is (\`onMisfit\`). Nothing of it concerns another line.

## Functions

\`f(x, y)\` and \`x.f(y)\` are the same. Arguments in italics are constants, those in brackets may be left out.

| | gives | |
|---|---|---|
${Object.entries(FUNCTIONS).map(functionRow).join("")}
An expression has at most 4,096 characters, brackets 64 deep and 256 operations on one another. Patterns run in linear
time, and so lookaheads and backreferences are refused. What is looked for has at most 256 characters, a text that an
expression makes 65,535, a split text 10,000 parts; \`hash\` and \`userAgent\`, which take some 3 and up to 60 µs, may
not be asked of each item of a list. So an expression takes a time that grows no faster than the line.

\`userAgent\` is [bowser](https://github.com/bowser-js/bowser)'s, of the first 512 characters. What \`hash\` gives can be
found by trying where the salt is known; masking and hashing say nothing of \`_extra\`, where the field stays unless
\`remove\` names it, nor of rejected lines, which are kept as they came.

## Columns

- \`value\` is an expression. Fields that it reads are still kept in \`_extra\`, unless another column takes them or \`remove\`
  names them.
- \`classes\` gives a text for a range of numbers, in the way of Fluentd's inline classifier: \`{ fast: ["*", 0.1], usual:
  [0.1, 0.5], slow: [0.5, "*"] }\`. A range begins with its first number and ends before its second. It takes the column's
  field or value.
- \`default\` is written where there is no value after all this.

## Rules

A line goes to the first type whose tags match. Of that type,

- \`drop\` leaves lines out, and counts them as filtered;
- \`copy\` gives each line to other types too, as \`<store>\` does in Fluentd's copy: \`[{ to: "archive" }, { to: "errors",
  when: "int(status) >= 500" }]\`. The other type reads the line by its own format, columns and \`drop\`, and its lines count
  there. Lines that are dropped are copied, and so are rejected ones as far as conditions can be asked of them: to move
  lines, copy and drop them by one condition. What has come as a copy is not copied on.
- \`remove\` names fields that are kept nowhere where no column takes them.

## Tables

\`tables\`, of the configuration or of a type, hold values by key, with a \`default\` or without, up to 100,000 entries of 8 MiB
in all. The configuration is TypeScript, and so a table may be a JSON file that is imported:

\`\`\`ts
import teams from "./teams.json" with { type: "json" };
export default defineConfig({ tables: { team: { entries: teams, default: "none" } }, ... });
\`\`\`

## Examples

${EXPRESSION_EXAMPLES.map(example).join("\n")}
## What it costs

A type with a \`value\`, \`classes\`, \`default\`, \`drop\`, \`when\` or \`remove\` leaves the short way by which plain lines
are copied into rows: in the router 2 µs of CPU more for a line of an access log, and 5 µs for one of JSON. An expression then
takes some tenths of a microsecond, \`hash\` 3. A type without any of it takes what it took. A copy costs what a line of its
type costs, and its rows are stored and loaded once more.
`;

const shown = (value: unknown): string => inspect(value, { compact: 3, breakLength: 110 });

function functionRow([name, { parameters, result, does }]: [string, ExpressionFunction]): string {
  const args = parameters.map(({ name, constant, optional }) => {
    const shown = constant ? `*${name}*` : name;
    return optional ? `[${shown}]` : shown;
  });
  return `| \`${name}\`(${args.join(", ")}) | ${RESULTS[result]} | ${does.replaceAll("|", "\\|")} |\n`;
}

const RESULTS = {
  text: "text",
  number: "number",
  bool: "true or false",
  time: "time",
  list: "list",
  map: "object",
  null: "",
  any: "",
} as const;
