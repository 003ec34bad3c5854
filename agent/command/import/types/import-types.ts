import { ConfigError, parseConfig } from "../../../../wire/config.ts";
import { tableNameProblem } from "../../../../wire/redshift-names.ts";
import { shownVariables } from "../fluentd-value.ts";
import { type Imported, Notes } from "../imported.ts";
import { configText } from "./config-text.ts";
import type { LogTypeInput, TypeDraft } from "./imported-format.ts";
import { merged } from "./merged-types.ts";

/** Log types of another agent's configuration, as a weir.config.ts. */
export interface ImportedTypes {
  /** Undefined where nothing is known of how lines are read. */
  readonly typescript: string | undefined;
  /** What could not be carried over, into them or into the agent's configuration. */
  readonly notes: readonly string[];
}

/**
 * @param from the file that the other configuration is in
 * @param hasProject whether it is written beside `wire/config.ts`, whose types it may take
 */
export async function importTypes(
  imported: Imported,
  from: string,
  hasProject: boolean,
): Promise<ImportedTypes> {
  const notes = new Notes();
  const made = merged((await imported.types?.(notes)) ?? [], notes);
  const drafts = withNames(made, notes).map(shown).map(orRaw);
  if (drafts.length === 0)
    notes.add(undefined, "no log type is written: nothing is known of how lines are read");
  const config = { ...warehouseOf(drafts), types: drafts.map(({ type }) => type) };
  const typescript = drafts.length > 0 ? configText(config, drafts, from, hasProject) : undefined;
  return { typescript, notes: imported.notes.withTypes(notes).texts };
}

/** Names of variables stand for themselves in a text, and for nothing in TypeScript. */
function shown(draft: TypeDraft): TypeDraft {
  const text = JSON.stringify(draft, (_, value: unknown) =>
    typeof value === "string" ? shownVariables(value) : value,
  );
  return JSON.parse(text) as TypeDraft;
}

/** What would be no type keeps its lines as they are, so that the others can be used. */
function orRaw(draft: TypeDraft): TypeDraft {
  const { line, type, remarks } = draft;
  try {
    parseConfig({ ...warehouseOf([draft]), types: [type] }, "");
    return draft;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { name, match, destinations } = type;
    const why = error.problems.join("; ").replaceAll("types[0].", "");
    return {
      line,
      remarks: [...remarks, `lines are kept as they are, since the type would not be one: ${why}`],
      type: {
        name,
        ...(match && { match }),
        parse: { format: "raw" },
        columns: [{ name: "line", type: "varchar(65535)" }],
        ...(destinations && { destinations }),
      },
    };
  }
}

/** Each type and each table has a name of its own. */
function withNames(drafts: readonly TypeDraft[], notes: Notes): TypeDraft[] {
  const names = new Set<string>();
  const tables = new Set<string>();
  return drafts.map((draft) => {
    const near = draft.type.name;
    const base = tableNameProblem(near) === undefined ? near : `log_${near}`;
    let [name, i] = [base, 2];
    while (names.has(name)) name = `${base}_${i++}`;
    names.add(name);
    const destinations = draft.type.destinations?.map((target) =>
      ownTable(target, name, tables, draft.line, notes),
    );
    return { ...draft, type: { ...draft.type, name, ...(destinations && { destinations }) } };
  });
}

type Destination = NonNullable<LogTypeInput["destinations"]>[number];

function ownTable(
  target: Destination,
  name: string,
  tables: Set<string>,
  line: number,
  notes: Notes,
): Destination {
  if (target.to !== "redshift") return target;
  const { schema = "logs", table = name } = target;
  const isFree = !tables.has(`${schema}.${table}`);
  if (!isFree)
    notes.add(line, `table ${schema}.${table}: is loaded by two types; that of type ${name} has its name`);
  tables.add(`${schema}.${isFree ? table : name}`);
  return isFree ? target : { ...target, table: name };
}

/** Tables need a warehouse: a new one until it is said which. */
function warehouseOf(drafts: readonly TypeDraft[]): { warehouse?: { kind: "new-serverless" } } {
  const hasTable = drafts.some(({ type }) => type.destinations?.some(({ to }) => to === "redshift"));
  return hasTable ? { warehouse: { kind: "new-serverless" } } : {};
}
