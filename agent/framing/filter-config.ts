import * as z from "zod";
import { quantity } from "../../wire/quantity.ts";
import { Encoding } from "./encoding.ts";
import {
  type ConditionConfig,
  conditionSchema as condition,
  maskedPatternSchema,
  patternSchema as pattern,
} from "./pattern.ts";

const encoding = z.string().refine((label) => Encoding.isKnown(label), {
  error: ({ input }) =>
    `no encoding is known as "${String(input)}": take a label of the WHATWG Encoding Standard, such as windows-1252, ` +
    "shift_jis or utf-16le",
});

const multiLine = z
  .strictObject({
    start: pattern.optional().meta({ description: "a line that matches begins an event" }),
    continuation: pattern
      .optional()
      .meta({ description: "a line that matches goes on with the event before" }),
    idle_ms: quantity("ms", 10, 86_400_000).default(2_000).meta({
      unit: "ms",
      description: "the last event of a file has ended when nothing was added to it for this long",
    }),
  })
  .refine(
    ({ start, continuation }) => (start === undefined) !== (continuation === undefined),
    "takes either start or continuation",
  );

const sample = z.strictObject({
  keep: z.number().min(0).max(1).meta({ description: "share of the lines that is kept" }),
  by: pattern.optional().meta({
    description:
      "lines in which this finds the same text (its first group, or all it matches) are kept or left out " +
      "together; without it, and in lines where it finds nothing, the whole line decides",
  }),
});

const mask = z.strictObject({
  pattern: maskedPatternSchema,
  with: z
    .string()
    .max(256)
    .regex(/^[^\r\n]*$/, "must not hold a line break")
    .default("***")
    .meta({ description: "what stands in the place of each match; $1 is the pattern's first group" }),
});

/** What a `[[files]]` entry may say of its lines. */
export const filterSettings = {
  encoding: encoding.optional().meta({
    description:
      "of the files, by a label such as windows-1252, shift_jis, gb18030 or utf-16le: events are converted to UTF-8 " +
      "before anything else is done with them; absent, bytes are sent as they stand",
  }),
  multi_line: multiLine.optional().meta({ description: "joins lines to events" }),
  include_lines: z
    .array(condition)
    .default([])
    .meta({ description: "only lines in which one of these is found, or `all` of one's, are sent" }),
  exclude_lines: z
    .array(condition)
    .default([])
    .meta({ description: "lines in which one of these is found, or `all` of one's, are not sent" }),
  sample: sample.optional().meta({ description: "keeps a share of the lines, the same ones whenever asked" }),
  mask: z.array(mask).default([]).meta({ description: "replaced in every line before it leaves the host" }),
};

export type MultiLineConfig = z.output<typeof multiLine>;
export type SampleConfig = z.output<typeof sample>;
export type MaskConfig = z.output<typeof mask>;

/** The settings of one entry. */
export interface FilterConfig {
  readonly encoding?: string | undefined;
  readonly multi_line?: MultiLineConfig | undefined;
  readonly include_lines: readonly ConditionConfig[];
  readonly exclude_lines: readonly ConditionConfig[];
  readonly sample?: SampleConfig | undefined;
  readonly mask: readonly MaskConfig[];
}
