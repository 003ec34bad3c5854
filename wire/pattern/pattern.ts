import { setFlagsFromString } from "node:v8";
import type { Alphabet } from "./code-points.ts";
import { linearSource } from "./linear-source.ts";
import { PatternError } from "./pattern-error.ts";

/**
 * How often V8 may go back in one text before it hands it to its linear engine. Ordinary lines stay below; and
 * since it looks at no more than the text between two times, the work is bounded by so many times the text.
 */
const BACKTRACKS_MAX = 1_000;

/** Longer texts are for the linear engine alone: a thousand times the text is much then, and V8's stack ends. */
const QUICK_MAX_CHARS = 64 * 2 ** 10;

/** Longest text that a pattern is asked of which may backtrack without end. */
const BACKTRACKING_MAX_CHARS = 4_096;

/**
 * To find all matches, each search may look at all the rest. Texts up to the first number of characters are
 * searched without counting; in others so many characters may be looked at, for each one and in all.
 */
const UNCOUNTED_MAX_CHARS = 512;
const LOOKS_PER_CHAR = 128;
const LOOKS_MIN = 2 ** 20;

/** No match begins between the halves of a surrogate pair. */
const NOT_WITHIN_A_PAIR = String.raw`(?<![\ud800-\udbff])`;

export interface PatternOptions {
  readonly alphabet: Alphabet;
  /** Take the pattern as it is, whatever its time; it is asked of short texts only. */
  readonly backtracking?: boolean | undefined;
  /** Matches will be replaced. V8's linear engine finds all of them only where nothing looks behind. */
  readonly replaces?: boolean | undefined;
}

/**
 * A user's pattern. It takes a time that grows no faster than the text: V8 runs it as it runs any other, but for at
 * most so many steps back, and then by its linear engine, which is slower by far and finds the same.
 *
 * Why: docs/decisions/0012-patterns-run-in-linear-time.md
 */
export class Pattern {
  /** Longest text it may be asked of. */
  readonly maxChars: number;
  readonly #quick: Compiled;
  /** Undefined for a pattern that may backtrack. */
  readonly #linear: Compiled | undefined;

  /** @throws SyntaxError for what is no pattern, PatternError for what no linear engine knows */
  constructor(source: string, { alphabet, backtracking = false, replaces = false }: PatternOptions) {
    const flags = alphabet === "unicode" ? "v" : "";
    // What V8 says of a pattern that is none is what its users know.
    const asGiven = new RegExp(source, flags);
    if (backtracking) {
      this.maxChars = BACKTRACKING_MAX_CHARS;
      this.#quick = { once: asGiven, everywhere: replaces ? new RegExp(source, `${flags}g`) : undefined };
      return;
    }
    enableLinearEngine();
    this.maxChars = Infinity;
    // Nothing else compiles this very text, which matters: V8 remembers a text as it was compiled first.
    const start = alphabet === "unicode" ? NOT_WITHIN_A_PAIR : "";
    const linear = `${start}(?:${linearSource(source, alphabet, !replaces)})`;
    this.#linear = compileLinear(linear, source, replaces);
    this.#quick = { once: new RegExp(linear), everywhere: replaces ? new RegExp(linear, "g") : undefined };
  }

  get hasNamedGroup(): boolean {
    return /\(\?<[^=!]/.test(this.#quick.once.source.replaceAll(/\\[^]|\[(?:\\[^]|[^\]])*\]/g, ""));
  }

  /** @param text at most `maxChars`; well-formed, or one character for each byte, as the alphabet says */
  exec(text: string): RegExpExecArray | null {
    return this.#for(text).once.exec(text);
  }

  test(text: string): boolean {
    return this.#for(text).once.test(text);
  }

  /**
   * Replaces every match, as String.replaceAll does, if the pattern was made for it. Where that would be too much work, all from the first match on
   * is replaced by `instead`.
   */
  replaceAll(text: string, replacement: string, instead: string): string {
    const { once, everywhere } = this.#for(text);
    const first = text.search(once);
    if (first < 0 || everywhere === undefined) return text;
    if (text.length > UNCOUNTED_MAX_CHARS && !findsAll(everywhere, text))
      return text.slice(0, first) + instead;
    return text.replace(everywhere, replacement);
  }

  #for(text: string): Compiled {
    return this.#linear !== undefined && text.length > QUICK_MAX_CHARS ? this.#linear : this.#quick;
  }
}

interface Compiled {
  readonly once: RegExp;
  /** Where matches will be replaced. */
  readonly everywhere: RegExp | undefined;
}

function findsAll(pattern: RegExp, text: string): boolean {
  let looks = Math.max(LOOKS_MIN, LOOKS_PER_CHAR * text.length);
  for (const { index } of text.matchAll(pattern)) {
    looks -= text.length - index;
    if (looks < 0) return false;
  }
  return true;
}

/** V8's own flag. */
const LINEAR = "l";

function compileLinear(linear: string, source: string, replaces: boolean): Compiled {
  try {
    return {
      once: new RegExp(linear, LINEAR),
      everywhere: replaces ? new RegExp(linear, `${LINEAR}g`) : undefined,
    };
  } catch (cause) {
    throw new PatternError("the pattern", source, 0, { cause });
  }
}

let isEnabled = false;

/** For the process, since V8 looks at these flags whenever it compiles; what was compiled before stays as it is. */
function enableLinearEngine(): void {
  if (isEnabled) return;
  setFlagsFromString("--enable-experimental-regexp-engine");
  setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
  setFlagsFromString(`--regexp-backtracks-before-fallback=${BACKTRACKS_MAX}`);
  isEnabled = true;
}
