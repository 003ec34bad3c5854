/** One sample of a scrape, as Prometheus would store it. */
export interface Scraped {
  readonly name: string;
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/.source;
const HELP = new RegExp(`^# HELP (${NAME}) (?:[^\\\\]|\\\\\\\\|\\\\n)*$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"/g;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL.source},?)*)\\})? (\\S+)$`);
const UNESCAPED: Readonly<Record<string, string>> = { "\\\\": "\\", "\\n": "\n", '\\"': '"' };

/** Reads the text format as strictly as Prometheus does, and more so: every sample needs HELP and TYPE. */
export function parseExposition(text: string): Scraped[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end");
  const scraped: Scraped[] = [];
  const seen = new Set<string>();
  let help = "";
  let family = { name: "", type: "" };
  for (const line of text.split("\n").slice(0, -1)) {
    if (line.startsWith("# HELP")) help = HELP.exec(line)?.[1] ?? fail(line);
    else if (line.startsWith("#")) {
      const [, name = fail(line), type = ""] = TYPE.exec(line) ?? [];
      if (name !== help || seen.has(name)) fail(line);
      seen.add(name);
      family = { name, type };
    } else {
      const sample = readSample(line, family);
      const series = JSON.stringify([sample.name, sample.labels]);
      if (seen.has(series)) throw new Error(`${line}: the same series twice`);
      seen.add(series);
      scraped.push(sample);
    }
  }
  return scraped;
}

function readSample(line: string, family: { name: string; type: string }): Scraped {
  const match = SAMPLE.exec(line) ?? fail(line);
  const [, name = "", pairs = ""] = match;
  const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!suffixes.some((suffix) => name === family.name + suffix))
    throw new Error(`${line}: not of ${family.name}`);
  const labels: Record<string, string> = {};
  for (const [, key = "", text = ""] of pairs.matchAll(LABEL)) {
    labels[key] = text.replaceAll(/\\[\\n"]/g, (escaped) => UNESCAPED[escaped]!);
  }
  const value = Number(match.at(-1)!.replace("Inf", "Infinity"));
  if (Number.isNaN(value) && match.at(-1) !== "NaN") fail(line);
  return { ...family, name, labels, value };
}

function fail(line: string): never {
  throw new Error(`not in the text format: ${line}`);
}
