/**
 * Ruby that only names a variable of the environment or the host stands in values as that name between these two
 * characters of Unicode's private use area, until the configuration is written.
 */
const [BEGIN, END] = ["\uE000", "\uE001"];
const PLACED = new RegExp(`${BEGIN}(\\w+)${END}`, "g");

/** Ruby within double quotes may hold quotes of its own. */
const QUOTED = /^(?:"((?:[^"\\#]|\\.|#(?!\{)|#\{(?:[^{}]|\{[^{}]*\})*\})*)"|'((?:[^'\\]|\\.)*)')/s;
const RUBY = /#\{((?:[^{}]|\{[^{}]*\})*)\}/g;
const VARIABLE = /^\s*ENV(?:\.fetch)?\s*[[(]\s*(['"])([A-Za-z_]\w*)\1\s*[\])]\s*$/;
const HOST_NAME = /^\s*(?:hostname|Socket\.gethostname(?:\(\))?)\s*$/;

/**
 * A text in quotes: within double ones backslashes and Ruby mean something.
 *
 * @returns its value and what follows, undefined where the quotes are not closed
 */
export function readQuoted(text: string): { readonly value: string; readonly rest: string } | undefined {
  const [whole, double, single] = QUOTED.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const rest = text.slice(whole.length);
  if (double === undefined) return { value: single!.replaceAll(/\\(['\\])/g, "$1"), rest };
  return { value: namedVariables(unescaped(double)), rest };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", f: "\f", b: "\b", "0": "\0" };

/** Fluentd leaves a backslash before any other letter out. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:\r?\n|(.))/gs, (_, character: string | undefined) =>
    character === undefined ? "" : (ESCAPES[character] ?? character),
  );
}

function namedVariables(text: string): string {
  return text.replaceAll(RUBY, (ruby, code: string) => {
    const name = VARIABLE.exec(code)?.[2] ?? (HOST_NAME.test(code) ? "hostname" : undefined);
    return name === undefined ? ruby : variableNamed(name);
  });
}

/** A text for people: variables as ours are written. */
export function shownVariables(text: string): string {
  return withVariables(text, (name) => `\${${name}}`);
}

/** Stands for the value of a variable in what is written. */
export function variableNamed(name: string): string {
  return `${BEGIN}${name}${END}`;
}

/** Ruby that says more than a name. */
export function holdsRuby(value: string): boolean {
  return value.includes("#{");
}

/** The variables that a value names. */
export function variablesOf(value: string): string[] {
  return Array.from(value.matchAll(PLACED), ([, name]) => name!);
}

/** A value with something else in the place of each variable. */
export function withVariables(value: string, put: (name: string) => string): string {
  return value.replaceAll(PLACED, (_, name: string) => put(name));
}

/** A line of an array or a hash without its comment. */
export function withoutComment(line: string): string {
  return line
    .replaceAll(/"(?:[^"\\]|\\.)*"|(?:^|\s)#.*/g, (found) => (found.startsWith('"') ? found : ""))
    .trim();
}

/** Whether every bracket that a value opens is closed in it, those in texts aside. */
export function isBalanced(value: string): boolean {
  const brackets = value.replaceAll(/"(?:[^"\\]|\\.)*"?/gs, "").replaceAll(/[^[\]{}]/g, "");
  let depth = 0;
  for (const bracket of brackets) depth += bracket === "[" || bracket === "{" ? 1 : -1;
  return depth <= 0;
}
