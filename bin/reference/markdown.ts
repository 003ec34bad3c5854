import { alternatives, type JsonSchema } from "./json-schema.ts";

/**
 * A reference of everything a configuration may say: one section for each object, one row for each
 * field.
 *
 * @param heading names a section by the path of its object
 */
export function reference(schema: JsonSchema, heading: (path: readonly string[]) => string): string {
  return sections(schema, [], "", heading)
    .filter(isFirst())
    .map(({ text }) => text)
    .join("\n");
}

interface Section {
  readonly text: string;
  /** What it says but for its heading: an object that stands at several paths has one section. */
  readonly says: string;
}

function isFirst(): (section: Section) => boolean {
  const said = new Set<string>();
  return ({ says }) => said.size < said.add(says).size;
}

function sections(
  schema: JsonSchema,
  path: readonly string[],
  about: string,
  heading: (path: readonly string[]) => string,
): Section[] {
  const { properties, items, description = about } = schema;
  if (items) return sections(items, [...path.slice(0, -1), `${path.at(-1)}[]`], description, heading);
  const choices = alternatives(schema)?.filter((choice) => choice.properties && !isInline(choice)) ?? [];
  if (choices.length > 0)
    return choices.flatMap((choice) => choiceSection(choice, path, description, heading));
  if (!properties) return [];
  const title = path.length === 0 ? [] : [`## ${heading(path)}\n`];
  const intro = path.length === 0 || description === "" ? [] : [`${sentence(description)}\n`];
  return [section(title, [...intro, table(schema)]), ...inner(properties, path, heading)];
}

const section = (title: readonly string[], body: readonly string[]): Section => ({
  text: [...title, ...body].join("\n"),
  says: body.join("\n"),
});

/** One of several kinds of object, told apart by a field with a fixed value. */
function choiceSection(
  choice: JsonSchema,
  path: readonly string[],
  about: string,
  heading: (path: readonly string[]) => string,
): Section[] {
  const properties = choice.properties!;
  const kind = Object.entries(properties).find(([, field]) => field.const !== undefined || field.enum);
  const which = kind === undefined ? "" : `, \`${kind[0]}\` ${typeText(kind[1])}`;
  const text = choice.description ?? about;
  const body = [...(text === "" ? [] : [`${sentence(text)}\n`]), table(choice)];
  return [section([`## ${heading(path)}${which}\n`], body), ...inner(properties, path, heading)];
}

function inner(
  properties: Readonly<Record<string, JsonSchema>>,
  path: readonly string[],
  heading: (path: readonly string[]) => string,
): Section[] {
  return Object.entries(properties).flatMap(([name, field]) => sections(field, [...path, name], "", heading));
}

function table({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties).map(([name, field]) => {
    const isRequired = required.includes(name);
    const what = field.description ?? "";
    return `| \`${name}\` | ${typeText(field)} | ${isRequired ? "required" : defaultText(field)} | ${cell(what)} |\n`;
  });
  return `| Field | Value | Default | |\n|---|---|---|---|\n${rows.join("")}`;
}

function defaultText({ default: value, defaultIs, properties }: JsonSchema): string {
  if (defaultIs !== undefined) return defaultIs;
  return value === undefined || properties ? "" : code(value);
}

function typeText(schema: JsonSchema): string {
  const { type = "", items, properties, unit } = schema;
  const choices = alternatives(schema);
  if (properties) return "see below";
  if (choices) return [...new Set(choices.map(choiceText))].join(" or ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(", ");
  if (items) return items.properties ? "array, see below" : `array of ${typeText(items)}`;
  return [type, rangeText(schema), unit].filter((text) => text !== undefined && text !== "").join(" ");
}

/** An object of one field needs no section of its own where there is a choice. */
function isInline({ properties = {} }: JsonSchema): boolean {
  return Object.keys(properties).length === 1;
}

function choiceText(choice: JsonSchema): string {
  if (!choice.properties || !isInline(choice)) return typeText(choice);
  const [[name, field]] = Object.entries(choice.properties) as [[string, JsonSchema]];
  return `\`{ ${name}: ${typeText(field).replaceAll("`", "")} }\``;
}

function rangeText({ type, minimum, maximum }: JsonSchema): string {
  if (type !== "integer" && type !== "number") return "";
  const isSafe = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const [from, to] = [minimum, maximum].map((bound) => (isSafe(bound) ? bound!.toLocaleString("en") : ""));
  return from === "" && to === "" ? "" : `${from} to ${to}`;
}

function code(value: unknown): string {
  return `\`${cell(JSON.stringify(value))}\``;
}

/** A cell ends at a bar. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
