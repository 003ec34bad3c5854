import { basename } from "node:path";
import { literal } from "../../../../wire/config-literal.ts";
import type { TypeDraft } from "./imported-format.ts";

/**
 * A weir.config.ts.
 *
 * @param from the file that it was made of
 * @param hasProject whether `wire/config.ts` is beside it
 */
export function configText(
  { warehouse }: { readonly warehouse?: object },
  drafts: readonly TypeDraft[],
  from: string,
  hasProject: boolean,
): string {
  const [open, close] = hasProject ? ["defineConfig({", "});"] : ["{", "};"];
  return [
    ...(hasProject ? ['import { defineConfig } from "./wire/config.ts";', ""] : []),
    comment(`Made from ${basename(from)}. Try each type on lines of yours: weir try TYPE FILE.`),
    `export default ${open}`,
    ...(warehouse
      ? [...WAREHOUSE.map((line) => `  ${comment(line)}`), `  warehouse: ${literal(warehouse)},`]
      : []),
    "  types: [",
    ...drafts.map((draft) => typeText(draft, basename(from))),
    "  ],",
    `${close}\n`,
  ].join("\n");
}

const WAREHOUSE = [
  "A new warehouse. To load into yours, say which, and give it a role that reads the lake:",
  '{ kind: "provisioned", cluster: "NAME", database: "NAME", copyRoleArn: "ARN" }',
];

function typeText({ type, remarks, line }: TypeDraft, from: string): string {
  const { columns, destinations, ...others } = type;
  const members = Object.entries(others).map(([name, value]) => `${name}: ${literal(value)},`);
  return [
    "{",
    ...[`Line ${line} of ${from}.`, ...remarks.map((remark) => `To confirm: ${remark}.`)].map(
      (text) => `  ${comment(text)}`,
    ),
    ...members.map((member) => `  ${member}`),
    "  columns: [",
    ...columns.map((column) => `    ${literal(column)},`),
    "  ],",
    ...(destinations ? [`  destinations: ${literal(destinations)},`] : []),
    "},",
  ]
    .map((text) => `    ${text}`)
    .join("\n");
}

/** What another configuration says must not end a comment, and be read as what it is not. */
const comment = (text: string): string => `// ${text.replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, " ")}`;
