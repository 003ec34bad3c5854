import { type AST, RegExpParser } from "@eslint-community/regexpp";
import { CharacterSets } from "./character-sets.ts";
import { type Alphabet, printCodePoints } from "./code-points.ts";
import { PatternError } from "./pattern-error.ts";

/** V8's linear engine takes repetitions whose counts, multiplied where one holds another, stay within this. */
const REPETITION_MAX = 16;

/** Ranges of characters in the pattern written out: each may cost time at every character of a line. */
const RANGES_MAX = 3_000;

interface Modifiers {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

/**
 * A pattern of JavaScript as one that V8's linear engine takes, with the same matches and groups: without flags,
 * case written out ([eE]), code points as UTF-16, and large repetitions one after the other.
 *
 * The text must be well-formed, as what was UTF-8 is: no half of a surrogate pair stands in it alone.
 *
 * @param source a valid pattern, of flag v for `unicode` and of no flag for `bytes`
 * @param mayLookBehind false where all matches are to be found, which the engine does not do with lookbehinds
 * @throws PatternError for what no linear engine knows
 */
export function linearSource(source: string, alphabet: Alphabet, mayLookBehind = true): string {
  const parser = new RegExpParser({ ecmaVersion: 2025 });
  const flags = { unicode: false, unicodeSets: alphabet === "unicode" };
  const pattern = parser.parsePattern(source, 0, source.length, flags);
  return new Printer(source, alphabet, mayLookBehind).print(pattern);
}

class Printer {
  readonly #source: string;
  readonly #alphabet: Alphabet;
  readonly #sets: CharacterSets;
  readonly #mayLookBehind: boolean;
  #modifiers: Modifiers = { ignoreCase: false, multiline: false, dotAll: false };
  #isBehind = false;
  /** Counts of the repetitions around, as the engine multiplies them. */
  #repetition = 1;
  #ranges = 0;

  constructor(source: string, alphabet: Alphabet, mayLookBehind: boolean) {
    this.#source = source;
    this.#alphabet = alphabet;
    this.#mayLookBehind = mayLookBehind;
    this.#sets = new CharacterSets(alphabet);
  }

  print({ alternatives }: { readonly alternatives: readonly AST.Alternative[] }): string {
    return alternatives.map(({ elements }) => elements.map((node) => this.#element(node)).join("")).join("|");
  }

  #element(node: AST.Element): string {
    switch (node.type) {
      case "Assertion":
        return this.#assertion(node);
      case "Quantifier":
        return this.#quantifier(node);
      case "CapturingGroup":
        if (this.#isBehind) throw this.#refused("a group that captures within a lookbehind,", node);
        return `(${node.name === null ? "" : `?<${node.name}>`}${this.print(node)})`;
      case "Group":
        return this.#under(node.modifiers, () => `(?:${this.print(node)})`);
      case "Backreference":
        throw this.#refused("a backreference,", node);
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
      case "ExpressionCharacterClass":
        break;
    }
    const { ignoreCase, dotAll } = this.#modifiers;
    const points = this.#sets.of(node, ignoreCase, dotAll);
    if (points === undefined) throw this.#refused("a class of more than single characters,", node);
    this.#ranges += Math.max(1, points.length);
    if (this.#ranges > RANGES_MAX) throw this.#refused("so many characters and repetitions up to", node);
    return printCodePoints(points);
  }

  #under(modifiers: AST.Modifiers | null, print: () => string): string {
    const outer = this.#modifiers;
    const is = (flag: keyof Modifiers): boolean =>
      (outer[flag] || modifiers?.add[flag] === true) && modifiers?.remove?.[flag] !== true;
    this.#modifiers = { ignoreCase: is("ignoreCase"), multiline: is("multiline"), dotAll: is("dotAll") };
    const printed = print();
    this.#modifiers = outer;
    return printed;
  }

  #assertion(node: AST.Assertion): string {
    switch (node.kind) {
      case "start":
      case "end":
        return this.#modifiers.multiline ? `(?m:${node.raw})` : node.raw;
      case "word":
        return node.raw;
      case "lookahead":
        throw this.#refused("a lookahead,", node);
      case "lookbehind":
        break;
    }
    if (!this.#mayLookBehind)
      throw this.#refused("a lookbehind where matches are replaced (put it back by $1),", node);
    const outer = this.#isBehind;
    this.#isBehind = true;
    const printed = `(?<${node.negate ? "!" : "="}${this.print(node)})`;
    this.#isBehind = outer;
    return printed;
  }

  #quantifier(node: AST.Quantifier): string {
    const { element, min, max, greedy } = node;
    // To JavaScript a round that matches nothing is none, and V8's linear engine loses its way in such loops.
    if (max > 1 && max > min && mayBeEmpty(element))
      throw this.#refused("what may be empty, repeated,", node);
    const outer = this.#repetition;
    const repetition = outer * Math.max(1, max === Infinity ? min : max);
    const lazy = greedy ? "" : "?";
    if (repetition > REPETITION_MAX && repetition > outer) return this.#writtenOut(node, lazy);
    this.#repetition = repetition;
    const count = max === Infinity ? `{${min},}` : `{${min},${max}}`;
    const printed = `${this.#element(element)}${count}${lazy}`;
    this.#repetition = outer;
    return printed;
  }

  /** `x{2,4}` as `xx(?:x(?:x)?)?`. */
  #writtenOut(node: AST.Quantifier, lazy: string): string {
    const { element, min, max } = node;
    if (holdsGroup(element)) throw this.#refused("a group that captures, repeated so often,", node);
    const one = (): string => this.#element(element);
    if (Math.max(min, max === Infinity ? 0 : max) > RANGES_MAX) throw this.#refused("a repetition,", node);
    let printed = "";
    for (let i = 0; i < min; i++) printed += one();
    if (max === Infinity) return `(?:${printed}${one()}*${lazy})`;
    for (let i = min; i < max; i++) printed += `(?:${one()}`;
    return `(?:${printed}${`)?${lazy}`.repeat(max - min)})`;
  }

  /** Where the construct is, in characters of what the user wrote: bytes that go on with one are none. */
  #refused(construct: string, { raw, start }: AST.Node): PatternError {
    const before = this.#source.slice(0, start);
    const isBytes = this.#alphabet === "bytes";
    return new PatternError(construct, raw, isBytes ? before.replace(/[\x80-\xbf]/g, "").length : start);
  }
}

function holdsGroup(node: AST.Element): boolean {
  if (node.type === "CapturingGroup") return true;
  if (node.type === "Quantifier") return holdsGroup(node.element);
  if (node.type !== "Group") return false;
  return node.alternatives.some(({ elements }) => elements.some((element) => holdsGroup(element)));
}

function mayBeEmpty(node: AST.Element): boolean {
  if (node.type === "Assertion") return true;
  if (node.type === "Quantifier") return node.min === 0 || mayBeEmpty(node.element);
  if (node.type !== "Group" && node.type !== "CapturingGroup") return false;
  return node.alternatives.some(({ elements }) => elements.every((element) => mayBeEmpty(element)));
}
