import { visibleText } from "../peek/visible-text.ts";

/** What came of a test, as far as a report has it. */
export interface TestResult {
  readonly type: string;
  readonly name: string;
  readonly seconds: number;
  /** undefined for a test that passed. */
  readonly failure: { readonly message: string; readonly text: string } | undefined;
}

/** Results as CI systems read them. source: https://github.com/testmoapp/junitxml, read 2026-11 */
export function junitXml(results: readonly TestResult[]): string {
  const types = Map.groupBy(results, ({ type }) => type);
  const suites = [...types].map(([type, results]) => {
    const cases = results.map(testCase).join("");
    return `  <testsuite name="${attribute(type)}"${counts(results)}>\n${cases}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="weir test"${counts(results)}>\n${suites.join("")}</testsuites>\n`;
}

function testCase({ type, name, seconds, failure }: TestResult): string {
  const head = `    <testcase classname="${attribute(type)}" name="${attribute(name)}" time="${seconds.toFixed(3)}"`;
  if (failure === undefined) return `${head}/>\n`;
  const { message, text } = failure;
  return `${head}>\n      <failure message="${attribute(message)}">${escaped(text)}</failure>\n    </testcase>\n`;
}

function counts(results: readonly TestResult[]): string {
  const failures = results.filter(({ failure }) => failure !== undefined).length;
  const seconds = results.reduce((sum, { seconds }) => sum + seconds, 0);
  return ` tests="${results.length}" failures="${failures}" errors="0" time="${seconds.toFixed(3)}"`;
}

const attribute = (text: string): string => escaped(text).replaceAll('"', "&quot;");

/** XML has no way to write control characters. */
const escaped = (text: string): string =>
  text
    .split("\n")
    .map((line) => visibleText(line.toWellFormed()))
    .join("\n")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
