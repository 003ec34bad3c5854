import { holdsRuby, variablesOf } from "./fluentd-value.ts";
import { fromRuby } from "./pattern.ts";

/** How the tags that there can be relate to a pattern: all of them match, none does, or it depends. */
export type Relation = "all" | "some" | "none";

/** More pairs of states than this are not looked at: what they would tell is left open. */
const PAIRS_MAX = 5_000;
const ANY = Symbol("any");
const PART = Symbol("part");
/** Stands for every character that neither side names. */
const OTHER = "\uFFFF";

/** A character, any one, or any one but the dot between the parts of a tag. */
type Taken = string | typeof ANY | typeof PART;

interface Step {
  readonly takes: Taken;
  readonly to: number;
}

/** A nondeterministic automaton; it begins in state 0. */
class Automaton {
  readonly #steps: Step[][] = [[]];
  readonly #free: number[][] = [[]];
  end = 0;

  add(): number {
    this.#free.push([]);
    return this.#steps.push([]) - 1;
  }

  step(from: number, takes: Taken, to = this.add()): number {
    this.#steps[from]!.push({ takes, to });
    return to;
  }

  skip(from: number, to = this.add()): number {
    this.#free[from]!.push(to);
    return to;
  }

  /** Any number of them. */
  loop(from: number, takes: Taken): number {
    const state = this.skip(from);
    this.step(state, takes, state);
    return state;
  }

  closure(states: Iterable<number>): Set<number> {
    const reached = new Set(states);
    for (const state of reached) for (const next of this.#free[state]!) reached.add(next);
    return reached;
  }

  after(states: ReadonlySet<number>, character: string): Set<number> {
    const next: number[] = [];
    for (const state of states) {
      for (const { takes, to } of this.#steps[state]!) {
        if (takes === ANY || (takes === PART ? character !== "." : takes === character)) next.push(to);
      }
    }
    return this.closure(next);
  }

  *characters(): Generator<string> {
    for (const steps of this.#steps)
      for (const { takes } of steps) if (typeof takes === "string") yield takes;
  }
}

/**
 * Relates tags to what a `<match>` or `<filter>` asks for.
 *
 * @param tag in which a star stands for any text
 * @param patterns of Fluentd, side by side; none are all
 */
export function relate(tag: string, patterns: string): Relation {
  const each = patterns.trim() === "" ? ["**"] : patterns.trim().split(/\s+/);
  // What Ruby and variables make of a pattern is not known here.
  if (holdsRuby(patterns) || variablesOf(patterns).length > 0) return "some";
  const relations = new Set(
    each.map((pattern) =>
      pattern.startsWith("/") ? relateExpression(tag, pattern) : relateGlob(tag, pattern),
    ),
  );
  if (relations.has("all")) return "all";
  // Each may take its part of the tags: whether together they take all of them is left open.
  return relations.has("some") ? "some" : "none";
}

function relateExpression(tag: string, pattern: string): Relation {
  const source = fromRuby(pattern);
  if (source === undefined || tag.includes("*")) return "some";
  return new RegExp(`^(?:${source})$`).test(tag) ? "all" : "none";
}

function relateGlob(tag: string, pattern: string): Relation {
  const [tags, matching] = [tagAutomaton(tag), patternAutomaton(pattern)];
  const alphabet = new Set([...tags.characters(), ...matching.characters(), ".", OTHER]);
  const seen = new Set<string>();
  const waiting = [[tags.closure([0]), matching.closure([0])] as const];
  const found = { inside: false, outside: false };
  for (let pair; (pair = waiting.pop());) {
    const [inTags, inPattern] = pair;
    if (inTags.has(tags.end)) found[inPattern.has(matching.end) ? "inside" : "outside"] = true;
    if ((found.inside && found.outside) || seen.size > PAIRS_MAX) return "some";
    for (const character of alphabet) {
      const next = [tags.after(inTags, character), matching.after(inPattern, character)] as const;
      const key = next.map((states) => [...states].sort((a, b) => a - b).join(" ")).join("|");
      if (next[0].size === 0 || seen.has(key)) continue;
      seen.add(key);
      waiting.push(next);
    }
  }
  return found.inside ? "all" : "none";
}

function tagAutomaton(tag: string): Automaton {
  const automaton = new Automaton();
  for (const character of tag) {
    automaton.end =
      character === "*" ? automaton.loop(automaton.end, ANY) : automaton.step(automaton.end, character);
  }
  return automaton;
}

/**
 * `*` is one part of a tag, `**` any number of parts, `{a,b}` one of them; a dot before or after `**` is there only
 * where there are parts.
 *
 * source: lib/fluent/match.rb, read 2026-11
 */
function patternAutomaton(pattern: string): Automaton {
  const automaton = new Automaton();
  let at = 0;
  const sequence = (from: number, isNested: boolean, isFirst: boolean): number => {
    let state = from;
    while (at < pattern.length) {
      const rest = pattern.slice(at);
      const [parts] = /^\.?\*\*\.?/.exec(rest) ?? [];
      if (parts !== undefined) {
        at += parts.length;
        const isLast = /^(?:$|[},])/.test(rest.slice(parts.length));
        state = anyParts(automaton, state, parts, { isFirst: isFirst && state === from, isLast });
      } else if (rest[0] === "{") state = alternatives(state, isFirst && state === from);
      else if (isNested && (rest[0] === "}" || rest[0] === ",")) return state;
      else {
        const isEscaped = rest[0] === "\\" && rest.length > 1;
        at += isEscaped ? 2 : 1;
        state =
          rest[0] === "*" ? automaton.loop(state, PART) : automaton.step(state, rest[isEscaped ? 1 : 0]!);
      }
    }
    return state;
  };
  const alternatives = (from: number, isFirst: boolean): number => {
    const to = automaton.add();
    do {
      at++;
      automaton.skip(sequence(automaton.skip(from), true, isFirst), to);
    } while (pattern[at] === ",");
    at++;
    return to;
  };
  automaton.end = sequence(0, false, true);
  return automaton;
}

/** `**` with the dots beside it. */
function anyParts(
  automaton: Automaton,
  from: number,
  text: string,
  { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
): number {
  const [hasDotBefore, hasDotAfter] = [text.startsWith("."), text.endsWith(".") && text !== "."];
  if (!hasDotBefore && !hasDotAfter) return automaton.loop(from, ANY);
  const end = automaton.add();
  if (!hasDotAfter) {
    // `a.**`: nothing where the tag ends, or a dot and anything.
    if (isLast) automaton.skip(from, end);
    automaton.skip(automaton.loop(automaton.step(from, "."), ANY), end);
  } else if (!hasDotBefore) {
    // `**.a`: nothing where the tag begins, or anything up to a dot.
    if (isFirst) automaton.skip(from, end);
    automaton.step(automaton.loop(from, ANY), ".", end);
  } else {
    // `a.**.b`: one dot, or two with anything between them.
    const dot = automaton.step(from, ".");
    automaton.skip(dot, end);
    automaton.step(automaton.loop(dot, ANY), ".", end);
  }
  return end;
}
