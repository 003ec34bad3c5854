import type { Misfit } from "../misfit.ts";

/**
 * Writes a field's value as the JSON text that COPY reads into one column, or says why it does not fit:
 * what is written, COPY takes. null stands for no value: an empty text in a column that holds no text.
 *
 * @param value a field's value, neither null nor undefined
 * @param arrivedAtMs when Kinesis took the record; gives times without a year theirs
 */
export type WriteColumn = (value: unknown, arrivedAtMs: number) => string | null | Misfit;
