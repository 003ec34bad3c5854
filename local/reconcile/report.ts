import * as z from "zod";
import { REJECT_REASONS } from "../../wire/reject.ts";

const count = z.int().min(0);

/** lines = rows + rejected + filtered + duplicates; lines - duplicates = lines of the files. */
const typeReport = z.strictObject({
  /** As the router met them, duplicates included. */
  lines: count,
  /** Source bytes of these lines, line feeds included. */
  bytes: count,
  rows: count,
  rejected: count,
  filtered: count,
  duplicates: count,
});

const rejectReport = z.strictObject({
  type: z.string(),
  reason: z.enum(REJECT_REASONS),
  field: z.string().optional(),
  count,
  /** What was found in one of these lines, and where that line stands. */
  example: z.strictObject({
    detail: z.string(),
    source: z.string(),
    offset: count,
    /** The line; U+FFFD for what is not UTF-8 in it. */
    line: z.string(),
    /** Of the file, where it was read from one, and the line's number in it, if that file still has it there. */
    path: z.string().optional(),
    lineNumber: z.int().min(1).optional(),
  }),
});

const emptyColumn = z.strictObject({
  type: z.string(),
  /** Rows of the type, all without a value. */
  rows: count,
  column: z.string(),
  /** Field that no line had; none for a column that is computed. */
  field: z.string().optional(),
  /** A field that lines had, called nearly so. */
  meant: z.string().optional(),
});

/** What `--report` writes. */
export const reportSchema = z.strictObject({
  balanced: z.boolean(),
  seconds: z.number().min(0),
  types: z.record(z.string(), typeReport),
  kinesis: z.strictObject({ records: count, userRecords: count, bytes: count }),
  /** Objects that commits name, and their compressed bytes. */
  s3: z.strictObject({ objects: count, bytes: count }),
  /** Loads that ended well, and rows over all tables. */
  warehouse: z.strictObject({ loads: count, rows: count }),
  rejects: z.array(rejectReport),
  /** Columns that are NULL in every row, if there are any: mostly a field is misspelt. */
  emptyColumns: z.array(emptyColumn).optional(),
  /** Kinesis records that could not be opened and are kept raw. */
  quarantined: count,
  /** What does not balance: which sum, by how much, and the first source and range at fault. */
  problems: z.array(z.string()),
  /** What the lake was held against, where it is not the files alone. */
  notes: z.array(z.string()).optional(),
});

export type Report = z.output<typeof reportSchema>;
export type TypeReport = Report["types"][string];
export type RejectReport = Report["rejects"][number];
