/** Why fleet watch could not go on. */
export type FleetErrorCode =
  | "NO_SETTING" //   the environment lacks a setting
  | "NOT_TOLD" //     what changed could not be published, and is with the next run
  | "BAD_LOG"; //     the log cannot be read on, nor from anywhere near its end

export class FleetError extends Error {
  override name = "FleetError";
  readonly code: FleetErrorCode;
  /** What a person can do. */
  readonly hint: string;

  constructor(code: FleetErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(`${message}; ${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}
