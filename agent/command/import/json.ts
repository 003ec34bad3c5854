import { ConfigError } from "../../../wire/config.ts";

/** A text, or a comment of one of the three kinds that amazon-kinesis-agent's parser takes. */
const TEXT_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|#[^\n]*|\/\*[^]*?\*\//g;

/** Puts blanks in the place of comments, so that everything else stays on its line. */
export function withoutComments(text: string): string {
  return text.replaceAll(TEXT_OR_COMMENT, (found) =>
    found.startsWith('"') ? found : found.replaceAll(/[^\n]/g, " "),
  );
}

/** @throws ConfigError naming line and column, and never what is there */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const before = text.slice(0, offsetOf((error as Error).message, text)).split("\n");
    const column = before.at(-1)!.length + 1;
    throw new ConfigError(file, [`line ${before.length}, column ${column}: this is not JSON`]);
  }
}

const TOKEN = /\s*(?:"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:,])/y;

/** Where the parser stopped: it says so, or it met what is no token. */
function offsetOf(message: string, text: string): number {
  const said = /at position (\d+)/.exec(message)?.[1];
  if (said !== undefined) return Number(said);
  TOKEN.lastIndex = 0;
  let end = 0;
  while (TOKEN.test(text)) end = TOKEN.lastIndex;
  return end + /^\s*/.exec(text.slice(end))![0].length;
}
