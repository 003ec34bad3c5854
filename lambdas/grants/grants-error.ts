/** Why the loader could not be given its rights. */
export type GrantsErrorCode =
  | "BAD_EVENT" //      not what the template sends
  | "NOT_IN_TIME" //    the warehouse did not answer within the invocation's time
  | "STATEMENT"; //     the warehouse refused a statement

export class GrantsError extends Error {
  override name = "GrantsError";
  readonly code: GrantsErrorCode;

  constructor(code: GrantsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
