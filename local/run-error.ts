/** Why a run of the laptop cloud cannot begin or go on. */
export type RunErrorCode =
  | "UNKNOWN_TYPE" //     --logs names a type that the configuration does not have
  | "NO_FILES" //         --logs names files that are not there
  | "INPUT" //            --agent names a configuration whose inputs cannot be used, or have no end
  | "UNREADABLE" //       a file cannot be read
  | "DISK" //             the folder of the run cannot be written, most often because the disk is full
  | "DIR_NOT_EMPTY"; //   --dir holds something already

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
