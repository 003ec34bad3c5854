import { ExpressionError } from "./expression-error.ts";

export interface Token {
  readonly kind: "name" | "number" | "text" | "sign" | "end";
  /** As written; of a text what it says. */
  readonly text: string;
  readonly at: number;
}

const SPACE = /(?:\s|\/\/[^\n]*)*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
const SIGN = /&&|\|\||[=!<>]=|[-+*/%<>!?:.,()[\]]/y;
const TEXT = /(r?)(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')/y;

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/g;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
  '"': '"',
  "'": "'",
  "`": "`",
  "?": "?",
};

/** The words of an expression, an end behind the last one. @throws ExpressionError */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  for (;;) {
    at += next(SPACE)![0].length;
    if (at === source.length) return [...tokens, { kind: "end", text: "", at }];
    const text = next(TEXT);
    const [kind, found] = text
      ? (["text", text] as const)
      : ((
          [
            ["name", next(NAME)],
            ["number", next(NUMBER)],
            ["sign", next(SIGN)],
          ] as const
        ).find(([, found]) => found !== null) ?? []);
    if (!kind || !found) throw new ExpressionError(strange(source, at), at);
    tokens.push({ kind, text: text ? textOf(text, at) : found[0], at });
    at += found[0].length;
  }
}

function strange(source: string, at: number): string {
  const character = String.fromCodePoint(source.codePointAt(at)!);
  const isQuote = character === '"' || character === "'";
  return isQuote ? `a text without its second ${character}` : `"${character}" means nothing here`;
}

function textOf([, raw, double, single]: RegExpExecArray, at: number): string {
  const written = double ?? single ?? "";
  if (raw === "r") return written;
  return written.replaceAll(ESCAPE, (all, unicode?: string, hex?: string, character = "") => {
    const code = unicode ?? hex;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    const meant = ESCAPES[character];
    if (meant === undefined) {
      throw new ExpressionError(`${all} is no escape; r"..." takes backslashes as they are`, at);
    }
    return meant;
  });
}
