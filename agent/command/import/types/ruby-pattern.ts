import { PatternError } from "../../../../wire/pattern/pattern-error.ts";
import { variablesOf } from "../fluentd-value.ts";
import { Pattern } from "../../../../wire/pattern/pattern.ts";

/** A regular expression of Ruby as JavaScript has it. */
export interface TranslatedPattern {
  readonly source: string;
  /** Whether it needs what no linear engine knows. */
  readonly backtracking: boolean;
  /** Named groups by the names that Ruby has for them, which may be no names in JavaScript. */
  readonly names: ReadonlyMap<string, string>;
  /** What is not the same any more. */
  readonly remarks: readonly string[];
}

const ESCAPES: Readonly<Record<string, string>> = {
  A: "^",
  z: "$",
  Z: "$",
  h: "[0-9a-fA-F]",
  H: "[^0-9a-fA-F]",
  R: String.raw`\r?\n`,
  e: String.raw`\x1b`,
  a: String.raw`\x07`,
};
const CLASS_ESCAPES: Readonly<Record<string, string>> = { ...ESCAPES, h: "0-9a-fA-F", b: String.raw`\x08` };

const POSIX: Readonly<Record<string, string>> = {
  alpha: String.raw`\p{Alphabetic}`,
  digit: String.raw`\d`,
  alnum: String.raw`\p{Alphabetic}\p{Nd}`,
  upper: String.raw`\p{Uppercase}`,
  lower: String.raw`\p{Lowercase}`,
  space: String.raw`\s`,
  blank: String.raw` \t`,
  punct: String.raw`\p{P}\p{S}`,
  cntrl: String.raw`\p{Cc}`,
  xdigit: "0-9a-fA-F",
  word: String.raw`\w`,
  print: String.raw`\P{C}`,
  graph: String.raw`\p{L}\p{M}\p{N}\p{P}\p{S}`,
};

/** Escapes that mean the same to both. */
const SAME = /[dDwWsSbBnrtfv0-9kpPuxc]/;
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/;
const REPEAT = /[*+?]|\{\d*,?\d*\}/y;
const GROUP =
  /\((?:\?(?:<(?![=!])([^>]+)>|'([^']+)'|(#[^)]*\))|(>)|([imx]*(?:-[imx]+)?)([:)])|([=!]|<[=!])))?/y;
const NAME = /^[A-Za-z_$][\w$]*$/;

/**
 * Puts a regular expression of Ruby, `/.../` with flags or bare, into JavaScript's form of flag v.
 *
 * @param isMultiLine whether it is asked of events of several lines: to Ruby ^ and $ are those of each line
 * @returns undefined for what JavaScript does not know
 */
export function translatePattern(text: string, isMultiLine = false): TranslatedPattern | undefined {
  if (variablesOf(text).length > 0) return undefined;
  const [, body = text, flags = ""] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? [];
  const translation = new Translation(body, flags.includes("x"), isMultiLine);
  const inner = translation.run();
  const ours = `${flags.includes("i") ? "i" : ""}${flags.includes("m") ? "s" : ""}`;
  const source = ours === "" ? inner : `(?${ours}:${inner})`;
  const { names, remarks } = translation;
  for (const backtracking of [false, true]) {
    try {
      void new Pattern(source, { alphabet: "unicode", backtracking });
      return { source, backtracking, names, remarks: [...remarks] };
    } catch (error) {
      if (!(error instanceof PatternError)) return undefined;
    }
  }
  return undefined;
}

class Translation {
  readonly names = new Map<string, string>();
  readonly remarks = new Set<string>();
  readonly #text: string;
  readonly #isMultiLine: boolean;
  readonly #hasNames: boolean;
  #isExtended: boolean;
  #at = 0;
  #out = "";
  /** How many groups of ours end where each open one of theirs does: one more after `(?i)`. */
  readonly #open: number[] = [0];

  constructor(text: string, isExtended: boolean, isMultiLine: boolean) {
    this.#text = text;
    this.#isExtended = isExtended;
    this.#isMultiLine = isMultiLine;
    this.#hasNames = /\(\?[<'](?![=!])/.test(text);
  }

  run(): string {
    while (this.#at < this.#text.length) this.#next();
    return this.#out + ")".repeat(this.#open[0]!);
  }

  #next(): void {
    const character = this.#text[this.#at]!;
    if (this.#isExtended && /\s/.test(character)) this.#at++;
    else if (this.#isExtended && character === "#") this.#skipLine();
    else if (character === "\\") this.#out += this.#escape(ESCAPES);
    else if (character === "[") this.#out += this.#class();
    else if (character === "(") this.#group();
    else if (character === ")") this.#close();
    else if (this.#repeats()) return;
    else this.#literal(character);
  }

  #literal(character: string): void {
    this.#at++;
    if (character === "^" || character === "$")
      this.#out += this.#isMultiLine ? `(?m:${character})` : character;
    else this.#out += /[\]{}]/.test(character) ? `\\${character}` : character;
  }

  #skipLine(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #close(): void {
    this.#at++;
    this.#out += ")".repeat(1 + (this.#open.length > 1 ? this.#open.pop()! : 0));
  }

  #repeats(): boolean {
    REPEAT.lastIndex = this.#at;
    const [found] = REPEAT.exec(this.#text) ?? [];
    if (found === undefined || found === "{}" || found === "{,}") return false;
    this.#at = REPEAT.lastIndex;
    this.#out += found.replace("{,", "{0,");
    const after = this.#text[this.#at];
    if (after === "?") this.#out += "?";
    if (after === "+") this.remarks.add(`${found}+ was possessive, and gives back now`);
    if (after === "?" || after === "+") this.#at++;
    return true;
  }

  #group(): void {
    GROUP.lastIndex = this.#at;
    const [all, angled, quoted, comment, atomic, flags, colon, look] = GROUP.exec(this.#text)!;
    this.#at = GROUP.lastIndex;
    if (comment !== undefined) return;
    const name = angled ?? quoted;
    if (colon === ")") {
      // It holds for the rest of the group around it.
      this.#out += `(?${this.#modifiers(flags!)}:`;
      this.#open[this.#open.length - 1]!++;
      return;
    }
    this.#open.push(0);
    if (name !== undefined) {
      const ours = NAME.test(name) ? name : name.replaceAll(/\W/g, "_").replace(/^(?=\d)/, "_");
      this.names.set(name, ours);
      this.#out += `(?<${ours}>`;
    } else if (atomic !== undefined) {
      this.remarks.add("(?>...) was atomic, and gives back now");
      this.#out += "(?:";
    } else if (colon === ":") this.#out += `(?${this.#modifiers(flags!)}:`;
    else if (look !== undefined) this.#out += `(?${look}`;
    // Ruby's other groups capture nothing where some have names.
    else this.#out += this.#hasNames && all === "(" ? "(?:" : "(";
  }

  #modifiers(flags: string): string {
    if (/^[im]*x/.test(flags)) this.#isExtended = true;
    return flags.replaceAll("x", "").replaceAll("m", "s").replace(/-$/, "");
  }

  /** @param known those of Ruby's that are others here */
  #escape(known: Readonly<Record<string, string>>): string {
    const letter = this.#text[this.#at + 1] ?? "\\";
    this.#at += 2;
    if (Object.hasOwn(known, letter)) return known[letter]!;
    return SAME.test(letter) || SYNTAX.test(letter) ? `\\${letter}` : letter;
  }

  /** What stands in brackets, those in it too; flag v wants more of it escaped than Ruby does. */
  #class(): string {
    this.#at++;
    const negation = this.#text[this.#at] === "^" ? "^" : "";
    this.#at += negation.length;
    let out = `[${negation}`;
    let previous: "none" | "character" | "range" = "none";
    for (let isFirst = true; this.#at < this.#text.length; isFirst = false) {
      const character = this.#text[this.#at]!;
      const next = this.#text[this.#at + 1];
      const [, not, posix] = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(this.#at)) ?? [];
      if (character === "]" && !isFirst) break;
      if (posix !== undefined) {
        const set = POSIX[posix] ?? "";
        out += not === "^" ? `[^${set}]` : set;
        this.#at += posix.length + not!.length + 4;
        previous = "none";
      } else if (character === "[") {
        out += this.#class();
        previous = "none";
      } else if (character === "\\") {
        out += /[-&!#%,:;<=>@`~]/.test(next ?? "") ? this.#kept() : this.#escape(CLASS_ESCAPES);
        previous = /[dDwWsShHpPR]/.test(next ?? "") ? "none" : previous === "range" ? "none" : "character";
      } else if (character === "-") {
        const isRange: boolean =
          previous === "character" &&
          next !== "]" &&
          !/^\\[dDwWsShHpP]|^\[/.test(this.#text.slice(this.#at + 1));
        out += isRange ? "-" : String.raw`\-`;
        this.#at++;
        previous = isRange ? "range" : "none";
      } else if (character === "&" && next === "&") {
        out += "&&";
        this.#at += 2;
        previous = "none";
      } else {
        const isDoubled = next === character && /[!#$%*+,.:;<=>?@^`~]/.test(character);
        out += /[(){}/|\]]/.test(character) || isDoubled ? `\\${character}` : character;
        this.#at++;
        previous = previous === "range" ? "none" : "character";
      }
    }
    this.#at++;
    return `${out}]`;
  }

  #kept(): string {
    const kept = this.#text.slice(this.#at, this.#at + 2);
    this.#at += 2;
    return kept;
  }
}
