import { escapeLiteral } from "pg";

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/** A literal, a quoted name, a comment, a cast, or a parameter. */
const TOKEN = /'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|::|:(?<name>[A-Za-z_]\w*)/g;

/**
 * Statements with their parameters' values in place, each as text that the warehouse makes the type of what it stands by.
 *
 * @throws Error for a parameter that no statement names, or that has no value
 */
export function bindParameters(sqls: readonly string[], parameters: readonly Parameter[]): string[] {
  const values = new Map(parameters.map(({ name, value }) => [name, value]));
  const unused = new Set(values.keys());
  const bound = sqls.map((sql) =>
    sql.replace(TOKEN, (token, ...rest) => {
      const { name } = rest.at(-1) as { name?: string };
      if (name === undefined) return token;
      const value = values.get(name);
      if (value === undefined) throw new Error(`Parameter ${name} has no value`);
      unused.delete(name);
      return escapeLiteral(value);
    }),
  );
  if (unused.size > 0) throw new Error(`Parameters ${[...unused].join(", ")} are not used in the SQL`);
  return bound;
}
