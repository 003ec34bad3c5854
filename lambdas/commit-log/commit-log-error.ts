/** Why the log, or what a consumer remembers of it, could not be read or saved. */
export type CommitLogErrorCode =
  | "MISSING_SEGMENT" // a segment is not there, though later ones are
  | "BAD_SEGMENT" //     a segment holds other than its head says
  | "BAD_HEARTBEAT" //   a row is no heartbeat, or an object of them cannot be read
  | "BAD_STATE" //       a saved state is not what this version writes
  | "STATE_CONFLICT"; // somebody else saved the state meanwhile

export class CommitLogError extends Error {
  override name = "CommitLogError";
  readonly code: CommitLogErrorCode;
  /** What a person can do. */
  readonly hint: string | undefined;

  constructor(code: CommitLogErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(hint === undefined ? message : `${message}; ${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}
