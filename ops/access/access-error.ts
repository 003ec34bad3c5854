/** Why a command could not reach what it is about, or was not carried out. */
export type AccessErrorCode =
  | "BAD_CONFIG" //       the configuration is not one
  | "NO_PLACE" //         neither --stack nor --local
  | "NO_STACK" //         CloudFormation knows no such stack
  | "NO_OUTPUT" //        the stack does not say what a command needs
  | "NO_STREAM" //        the stream is not there, or not any more
  | "NOT_RUNNING" //      no laptop cloud runs in that folder
  | "BAD_CLOUD_FILE" //   the folder's cloud.json is not what this release writes
  | "NO_LOADER" //        rows stay in the lake
  | "BAD_REQUEST" //      what was asked for makes no sense
  | "NO_ERASURE" //       the lake has no such erasure
  | "ERASURE_OPEN" //     another erasure of the type is not done
  | "BAD_LAKE" //         what the lake holds cannot be read
  | "NO_CREDENTIALS" //   nobody is signed in to AWS, or no region is known
  | "DENIED" //           whoever is signed in may not
  | "NOT_CHANGED" //      what was asked of a mapping has not come to be in time
  | "REFUSED" //          a function has its reasons not to do it: see `refusal`
  | "FUNCTION_FAILED"; // a function ended with an error

export class AccessError extends Error {
  override name = "AccessError";
  readonly code: AccessErrorCode;
  /** What a person can do. */
  readonly hint: string | undefined;
  /** The loader's own code, with REFUSED. */
  readonly refusal: string | undefined;

  constructor(
    code: AccessErrorCode,
    message: string,
    hint?: string,
    { refusal, ...options }: ErrorOptions & { readonly refusal?: string } = {},
  ) {
    super(message, options);
    this.code = code;
    this.hint = hint;
    this.refusal = refusal;
  }
}
