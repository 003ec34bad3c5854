import type { AST } from "@eslint-community/regexpp";
import {
  type Alphabet,
  type CodePoints,
  complement,
  EVERY,
  matchedBy,
  union,
  withoutSurrogates,
} from "./code-points.ts";

type CharacterNode = AST.Character | AST.CharacterSet | AST.CharacterClass | AST.ExpressionCharacterClass;
type ClassElement = AST.CharacterClassElement | AST.ClassSetOperand;

const LINE_ENDS: CodePoints = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
/** source: ECMA-262, CharacterClassEscape and WhiteSpace, read 2026-11 */
const ESCAPES: Readonly<Record<AST.EscapeCharacterSet["kind"], CodePoints>> = {
  digit: [[0x30, 0x39]],
  word: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
    [0xfeff, 0xfeff],
  ],
};

const LAST_ASCII = 0x7f;
const CASE_BIT = 0x20;

/** The characters that ignore case with an ASCII letter, where code points do: K and s alone have others. */
const FOLDED: Readonly<Record<Alphabet, Readonly<Record<string, number>>>> = {
  unicode: { k: 0x212a, s: 0x17f },
  bytes: {},
};

/** Finds which characters the parts of a pattern match that stand for one character. */
export class CharacterSets {
  readonly #alphabet: Alphabet;

  constructor(alphabet: Alphabet) {
    this.#alphabet = alphabet;
  }

  /** @returns undefined for a class that matches more than one character at a time */
  of(node: CharacterNode, ignoreCase: boolean, dotAll: boolean): CodePoints | undefined {
    if (node.type === "CharacterSet" && node.kind === "any") {
      return dotAll ? EVERY[this.#alphabet] : complement(LINE_ENDS, this.#alphabet);
    }
    const plain = this.#plain(node, ignoreCase);
    if (plain !== undefined) return isNegated(node) ? complement(plain, this.#alphabet) : plain;
    if (holdsStrings(node)) return undefined;
    const flags = `${this.#alphabet === "unicode" ? "v" : ""}${ignoreCase ? "i" : ""}`;
    if (!isNegated(node)) return matchedBy(node.raw, flags, this.#alphabet);
    return complement(matchedBy(positive(node.raw), flags, this.#alphabet), this.#alphabet);
  }

  /** What is told without asking V8, which takes up to a tenth of a second; a negation not yet applied. */
  #plain(node: CharacterNode, ignoreCase: boolean): CodePoints | undefined {
    if (node.type === "ExpressionCharacterClass") return undefined;
    if (node.type !== "CharacterClass") return this.#single(node, ignoreCase);
    const sets: CodePoints[] = [];
    for (const element of node.elements) {
      const points = this.#single(element, ignoreCase);
      if (points === undefined) return undefined;
      const isComplement = element.type === "CharacterSet" && element.negate;
      sets.push(isComplement ? complement(points, this.#alphabet) : points);
    }
    return union(sets);
  }

  #single(node: CharacterNode | ClassElement, ignoreCase: boolean): CodePoints | undefined {
    if (node.type === "Character") {
      return this.#cased(withoutSurrogates(node.value, node.value), ignoreCase);
    }
    if (node.type === "CharacterClassRange") {
      return this.#cased(withoutSurrogates(node.min.value, node.max.value), ignoreCase);
    }
    if (node.type !== "CharacterSet" || node.kind === "any" || node.kind === "property") return undefined;
    const points = ESCAPES[node.kind].filter(([from]) => from <= EVERY[this.#alphabet].at(-1)![1]);
    return node.kind === "word" ? this.#cased(points, ignoreCase) : points;
  }

  #cased(points: CodePoints, ignoreCase: boolean): CodePoints | undefined {
    if (!ignoreCase) return points;
    return points.every(([, to]) => to <= LAST_ASCII) ? this.#withOtherCase(points) : undefined;
  }

  #withOtherCase(points: CodePoints): CodePoints {
    const others: CodePoints[] = [points];
    for (const [from, to] of points) {
      for (let code = from; code <= to; code++) {
        const letter = String.fromCharCode(code).toLowerCase();
        if (!/[a-z]/.test(letter)) continue;
        others.push([[code ^ CASE_BIT, code ^ CASE_BIT]]);
        const folded = FOLDED[this.#alphabet][letter];
        if (folded !== undefined) others.push([[folded, folded]]);
      }
    }
    return union(others);
  }
}

function isNegated(node: CharacterNode): boolean {
  return "negate" in node && node.negate;
}

/** `[^x]` as `[x]`, `\S` as `\s`, `\P{L}` as `\p{L}`. */
function positive(raw: string): string {
  return raw.startsWith("[^") ? `[${raw.slice(2)}` : `\\${raw[1]!.toLowerCase()}${raw.slice(2)}`;
}

function holdsStrings(node: CharacterNode | ClassElement): boolean {
  return /\\q\{|\\p\{(?:Basic_Emoji|Emoji_Keycap_Sequence|RGI_)/.test(node.raw);
}
