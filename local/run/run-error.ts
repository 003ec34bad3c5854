/** Why a run of the laptop cloud cannot begin or go on. */
export type RunErrorCode =
  | "UNKNOWN_TYPE" //     --logs names a type that the configuration does not have
  | "NO_FILES" //         --logs names files that are not there
  | "INPUT" //            --agent names a configuration whose inputs cannot be used, or have no end
  | "UNREADABLE" //       a file cannot be read
  | "DISK" //             the folder of the run cannot be written, most often because the disk is full
  | "BAD_START" //        --start is no pattern, or of a type that no files are sent of
  | "DIR_NOT_EMPTY" //    --dir holds something that is no run's
  | "DIR_IN_USE" //       --dir is another run's that has not ended
  | "NOT_DRAINED"; //     --dir is of a run that was ended too early to be gone on with

export class RunError extends Error {
  override name = "RunError";
  readonly code: RunErrorCode;
  readonly hint: string;

  constructor(code: RunErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(`${message}\n${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}
