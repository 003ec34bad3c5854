import { type FluentdSection, typeOf } from "../fluentd-syntax.ts";
import { variablesOf } from "../fluentd-value.ts";
import type { Notes } from "../imported.ts";
import { mayBeSecret, shownSetting } from "../shown-value.ts";
import { importFormat } from "./fluentd-format.ts";
import { dropConditions } from "./fluentd-drop.ts";
import type { ImportedField, ImportedFormat } from "./imported-format.ts";
import { within } from "./wrapped-format.ts";
import { translateValue, type TranslatedValue } from "./ruby-value.ts";

/** A record on its way through filters: what its fields are, and what is left out. */
export class FluentdRecord {
  format: ImportedFormat;
  /** Lines for which one of them is true become no row. */
  readonly drops: string[] = [];
  readonly removed = new Set<string>();
  readonly #fields: Map<string, ImportedField>;
  readonly #notes: Notes;

  constructor(format: ImportedFormat, notes: Notes) {
    this.format = format;
    this.#fields = new Map(format.fields);
    this.#notes = notes;
  }

  get fields(): ReadonlyMap<string, ImportedField> {
    return this.#fields;
  }

  /** Adds a field that is known of the host or the tag, or of where the line stood. */
  add(name: string | undefined, field: "_host" | "_tag" | "_path"): void {
    if (name !== undefined && name !== "") this.#fields.set(name, { field });
  }

  /** @param isWhole whether the agent asks the filter of the line already */
  pass(filter: FluentdSection, isWhole: (key: string) => boolean): void {
    switch (typeOf(filter)) {
      case "record_transformer":
      case "record_modifier":
        return this.#transform(filter);
      case "grep":
        return void this.drops.push(
          ...dropConditions(filter, (key) => this.#find(keyPath(key)), isWhole, this.#notes),
        );
      case "parser":
        return this.#parse(filter);
      case "stdout":
        return;
      default:
        this.#tell(filter, `${typeOf(filter)}: left out, a log type has nothing like it`);
    }
  }

  #transform(filter: FluentdSection): void {
    const { parameters, sections, lines } = filter;
    const is = (name: string) => parameters.get(name) === "true";
    if (is("renew_record") || parameters.has("whitelist_keys"))
      this.#tell(filter, "drops all other fields: here they are kept in _extra, unless `remove` names them");
    for (const record of sections.filter(({ name }) => name === "record")) {
      for (const [key, text] of record.parameters) {
        // A constant of such a name is nothing to put into a repository.
        const field = isSecret(key, text) ? undefined : translateValue(text, (path) => this.#find(path));
        if (field !== undefined) this.#fields.set(key, field);
        else this.#notes.add(record.lines.get(key), `<record> ${key}: left out, ${whyNot(key, text)}`);
      }
    }
    const time = parameters.get("renew_time_key");
    const renewed = time === undefined || time === "" ? undefined : this.#find([time]);
    if (renewed && "field" in renewed)
      this.format = { ...this.format, time: { field: renewed.field, format: "epoch-seconds" } };
    else if (time !== undefined)
      this.#notes.add(lines.get("renew_time_key"), `renew_time_key ${time}: left out, it is computed`);
    for (const key of (parameters.get("remove_keys") ?? "").split(",")) this.#remove(key.trim());
  }

  #remove(key: string): void {
    if (key === "") return;
    const path = keyPath(key);
    const field = path.length === 1 ? this.#fields.get(path[0]!) : undefined;
    const found = field ?? this.#find(path);
    if (path.length === 1) this.#fields.delete(path[0]!);
    // A time that is read is kept in no column either.
    if (found && "field" in found && !found.field.startsWith("_")) this.removed.add(found.field);
  }

  #parse(filter: FluentdSection): void {
    const { parameters } = filter;
    const key = parameters.get("key_name") ?? "";
    const inner = importFormat(filter);
    const source = this.#fields.get(key);
    if (this.format.parse.format === "raw" && source !== undefined) this.format = inner;
    else {
      const outer = { ...this.format, fields: new Map(this.#fields) };
      const merged = within(
        outer,
        key.replace(/^\$\./, ""),
        inner,
        parameters.get("reserve_time") === "true",
      );
      const isLenient = parameters.get("reserve_data") === "true" && merged.parse.from !== undefined;
      this.format = isLenient ? orAsItIs(merged, this.format) : merged;
    }
    this.#fields.clear();
    for (const [name, field] of this.format.fields) this.#fields.set(name, field);
    for (const name of ["hash_value_field", "inject_key_prefix"]) {
      if (!parameters.has(name)) continue;
      const setting = shownSetting(name, parameters.get(name));
      this.#notes.add(filter.lines.get(name), `${setting}: left out, the fields keep their own names`);
    }
  }

  /** A field by the names that lead to it. */
  #find(path: readonly string[]): TranslatedValue | undefined {
    const [first, ...rest] = path;
    const field = this.#fields.get(first!);
    if (field === undefined) return this.format.isOpen ? { field: path.join(".") } : undefined;
    if ("value" in field) return rest.length === 0 ? { value: field.value } : undefined;
    return rest.length === 0 || this.format.isOpen ? { field: [field.field, ...rest].join(".") } : undefined;
  }

  #tell(filter: FluentdSection, text: string): void {
    this.#notes.add(filter.line, `<filter ${filter.argument}> ${text}`);
  }
}

function isSecret(key: string, text: string): boolean {
  const isConstant = !text.includes("${") && variablesOf(text).length === 0;
  return isConstant && mayBeSecret(key, text);
}

function whyNot(key: string, text: string): string {
  if (isSecret(key, text)) return "it may be a secret";
  const [variable] = variablesOf(text);
  if (variable === undefined)
    return "it names what is not there, or says more than an expression of ours can";
  const label = key.replaceAll(/\W/g, "_");
  return `set labels = { ${label} = "\${${variable}}" } for the agent, and give its column field: "_labels.${label}"`;
}

/** Fluentd kept what did not parse as it was. */
function orAsItIs(merged: ImportedFormat, outer: ImportedFormat): ImportedFormat {
  const { parse } = merged;
  const { from, ...inner } = parse;
  const of =
    inner.format === "any"
      ? inner.of.map((one) => ({ ...one, from }))
      : [parse as Exclude<typeof parse, { format: "any" }>];
  const plain = outer.parse as (typeof of)[number];
  return { ...merged, parse: { format: "any", of: [...of.slice(0, 7), plain] }, isOpen: true };
}

/** `$.a.b`, `$['a']['b']`, or a name. */
export function keyPath(key: string): string[] {
  if (key.startsWith("$[")) return [...key.matchAll(/\['([^']*)'\]/g)].map(([, name]) => name!);
  return key.startsWith("$.") ? key.slice(2).split(".") : [key];
}
