/** Why the loader could not go on with a table, or at all. */
export type LoaderErrorCode =
  | "NO_ENVIRONMENT" //    a variable that deployment sets is missing
  | "BAD_COMMAND" //       an operator asks for what this loader does not know
  | "SCHEMA_CONFLICT" //   the table differs from the configuration in a way that no addition mends
  | "NOT_IN_TIME" //       the warehouse did not answer a short question in time
  | "ALL_PAUSED" //        a table is to be loaded while all of them are paused
  | "NO_ERASURE" //        an erasure of the lake, or a part of it, was removed
  | "STATEMENT"; //        the warehouse refused a statement

export class LoaderError extends Error {
  override name = "LoaderError";
  readonly code: LoaderErrorCode;
  /** What a person can do. */
  readonly hint: string | undefined;

  constructor(code: LoaderErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(hint === undefined ? message : `${message}; ${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}
