import * as z from "zod";
import type { TextFormat } from "./text-formats.ts";

/** Formats of lines that have another line in one of their fields. */
export const WRAPPER_FORMATS = [
  "json",
  "cri",
  "syslog",
  "rfc5424",
  "ltsv",
  "logfmt",
] as const satisfies readonly (TextFormat | "json" | "ltsv" | "logfmt")[];

/** How other shippers wrap lines: in a field of JSON, or behind a header. */
export const within = {
  from: z
    .union([
      z.string().min(1),
      z
        .strictObject({ field: z.string().min(1), format: z.enum(WRAPPER_FORMATS).default("json") })
        .meta({ description: "the field, and the format of the line that has it" }),
    ])
    .optional()
    .meta({
      description:
        "the field of a wrapping line that has this one, such as `log` of Docker's JSON. The other fields of the wrapping " +
        "line are fields too; of a name that both have, its value is kept under `outer`",
    }),
} as const;

export type Wrapper = NonNullable<z.output<typeof within.from>>;
