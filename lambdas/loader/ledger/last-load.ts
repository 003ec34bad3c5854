import * as z from "zod";

/** The last load of a table that the ledger has, as far as somebody knows. */
export const lastLoadSchema = z.strictObject({
  id: z.string(),
  /** Loads of a table count from 1; 0 where there is none. */
  number: z.int().min(0),
  /** _arrived_at of the rows that it inserted, as SQL has it: some of them are in the table. Absent if it had none. */
  arrived: z.strictObject({ from: z.string(), to: z.string() }).optional(),
});

export type LastLoad = z.output<typeof lastLoadSchema>;

export const NO_LOAD: LastLoad = { id: "", number: 0 };
