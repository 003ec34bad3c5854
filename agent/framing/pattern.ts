import * as z from "zod";
import { PatternError } from "../../wire/pattern/pattern-error.ts";
import { Pattern } from "../../wire/pattern/pattern.ts";

/** A pattern as the configuration has it; one that may backtrack is named so. */
export type PatternConfig = string | { readonly backtracking: string };

/** A pattern, or several that must all be found. */
export type ConditionConfig = PatternConfig | { readonly all: readonly PatternConfig[] };

/**
 * Patterns are matched against bytes, one character each (latin1): nothing of UTF-8 is decoded, and a line
 * that is not UTF-8 matches like any other. A pattern's own characters are taken as their UTF-8 bytes, so text
 * matches text; only within brackets, as in [äö], each byte stands for itself.
 *
 * @throws SyntaxError for what is no pattern, PatternError for what linear time is not enough for
 */
export function bytePattern(config: PatternConfig, replaces = false): Pattern {
  const backtracking = typeof config === "object";
  const source = backtracking ? config.backtracking : config;
  const options = { alphabet: "bytes", backtracking, replaces } as const;
  return new Pattern(Buffer.from(source, "utf8").toString("latin1"), options);
}

function schema(replaces: boolean): z.ZodType<PatternConfig, PatternConfig> {
  return z
    .union([z.string().min(1), z.strictObject({ backtracking: z.string().min(1) })])
    .superRefine((config, context) => {
      const message = problem(config, replaces);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    });
}

/** Why it is none that can be used, without the pattern: what is masked may be a secret. */
function problem(config: PatternConfig, replaces: boolean): string | undefined {
  try {
    bytePattern(config, replaces);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError)
      return `${error.where}; { backtracking = "..." } takes it, with its risk`;
    const { message } = error as Error;
    return `Invalid regular expression: ${message.slice(message.lastIndexOf(": ") + 2)}`;
  }
}

export const patternSchema = schema(false);

/** Schema of patterns whose matches are replaced. */
export const maskedPatternSchema = schema(true);

export const conditionSchema = z.union([
  patternSchema,
  z.strictObject({ all: z.array(patternSchema).min(1) }),
]);

/** The patterns that a condition asks for. */
export function bytePatterns(condition: ConditionConfig): readonly Pattern[] {
  const patterns = typeof condition === "object" && "all" in condition ? condition.all : [condition];
  return patterns.map((pattern) => bytePattern(pattern));
}
