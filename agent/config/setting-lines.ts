/** The line of a setting by its path, such as `Logs[1].TimeKey`; undefined where it cannot be told. */
export type LineOf = (path: string) => number | undefined;

/** Of TOML as it is written by hand: one setting on a line. */
export function tomlLines(text: string): LineOf {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  let table = "";
  for (const [i, line] of text.split("\n").entries()) {
    const [, array, single] = /^\s*\[(?:\[\s*([^\]]+?)\s*\]|\s*([^\]]+?)\s*)\]/.exec(line) ?? [];
    const [, key] = /^\s*"?([\w.-]+)"?\s*=/.exec(line) ?? [];
    if (array !== undefined) {
      const count = counts.get(array) ?? 0;
      counts.set(array, count + 1);
      table = `${array}[${count}]`;
    } else if (single !== undefined) table = single;
    const path = key === undefined ? table : table === "" ? key : `${table}.${key}`;
    if (!lines.has(path)) lines.set(path, i + 1);
  }
  return (path) => lines.get(path);
}

/** Of JSON that can be parsed. */
export function jsonLines(text: string): LineOf {
  const lines = new Map<string, number>();
  const open: { path: string; index: number }[] = [];
  let line = 1;
  let word = "";
  let here = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,\n]/g)) {
    const top = open.at(-1);
    if (token === "\n") line++;
    else if (token === ":") {
      const key = JSON.parse(word) as string;
      here = top === undefined || top.path === "" ? key : `${top.path}.${key}`;
      lines.set(here, line);
    } else if (token === "{" || token === "[") {
      const path = top !== undefined && top.index >= 0 ? `${top.path}[${top.index}]` : here;
      if (!lines.has(path)) lines.set(path, line);
      open.push({ path, index: token === "[" ? 0 : -1 });
    } else if (token === "}" || token === "]") open.pop();
    else if (token !== ",") word = token;
    else if (top !== undefined && top.index >= 0) top.index++;
  }
  return (path) => lines.get(path);
}
