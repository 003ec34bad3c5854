/** Why the sequencer could not go on. */
export type SequencerErrorCode =
  | "NO_BUCKET" //       the environment does not name the lake's bucket
  | "MISSING_SEGMENT" // a segment of the log is not there, though later ones are
  | "OVERTAKEN" //       others put segment after segment before this run did
  | "UNREADABLE"; //     S3 does not give the commit whose turn it is

export class SequencerError extends Error {
  override name = "SequencerError";
  readonly code: SequencerErrorCode;
  /** What a person can do. */
  readonly hint: string;

  constructor(code: SequencerErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(`${message}; ${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}
