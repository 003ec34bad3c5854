/** Why an agent cannot start, or cannot go on. */
export type AgentErrorCode =
  | "CONFIG_UNREADABLE" //     the configuration file cannot be read, or is not TOML
  | "KEY_EMPTY" //             a file that should hold a shared key holds none
  | "REGION" //                no region is named, or what is named is none
  | "STATE_DIR" //             the state directory cannot be made or written
  | "STATE_LOCKED" //          another agent has the state directory
  | "CHECKPOINT_CORRUPT" //    the checkpoint is not one
  | "CHECKPOINT_EXISTS" //     positions of another agent are not wanted where there are positions already
  | "POSITIONS_IN_USE" //      the other agent, whose positions are to be taken over, has not been stopped
  | "CHECKPOINT_WRITE" //      the checkpoint cannot be written: no space, read-only, failing disk
  | "FILES" //                 a directory or file that was named is missing or unreadable
  | "SPOOL" //                the spool of pushed events cannot be opened
  | "SPOOL_CLOSED" //         the agent stops before an event is on disk
  | "LISTEN" //               the address of the forward input cannot be listened on
  | "MONITOR_PORT" //          the port of the status cannot be had
  | "RELOAD" //                a setting that cannot change while the agent runs
  | "CA_FILE" //               certificates of authorities to trust cannot be read
  | "STREAM_NOT_FOUND"
  | "STREAM_AUTO" //           a stream on which aggregates are lost
  | "STREAM_RECORD_SIZE" //    its records cannot hold the aggregates or lines that are configured
  | "STREAM_REFUSED" //        Kinesis says no, and would say so again
  | "RESULT_COUNT" //          PutRecords answered for another number of records than it was sent
  | "UNDELIVERED" //           lines were read but not acknowledged by the deadline
  | "UNREAD"; //               a drain could not read a file to its end

/** What went wrong on this host, the path or name it concerns, and what to do about it. */
export class AgentError extends Error {
  override name = "AgentError";
  readonly code: AgentErrorCode;
  /** The file, directory or stream. */
  readonly subject: string;
  readonly hint: string;

  constructor(code: AgentErrorCode, subject: string, message: string, hint: string, options?: ErrorOptions) {
    super(`${subject}: ${message}`, options);
    this.code = code;
    this.subject = subject;
    this.hint = hint;
  }
}

/** The system's own words for an error: "ENOSPC: no space left on device, write". */
export function systemReason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
