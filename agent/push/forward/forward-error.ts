/** Why a forward connection is closed. */
export type ForwardErrorCode =
  | "TOO_LARGE" //      a message, or what it unpacks to, is over its limit
  | "TOO_MANY" //       more events or frames than its bytes account for
  | "MALFORMED" //      not MessagePack, not JSON, or not a message of the forward protocol
  | "TRUNCATED" //      a value runs past the end
  | "COMPRESSION" //    entries that do not unpack, or of a kind that is not known
  | "CROWDED" //        all connections together hold too much that is not on disk yet
  | "SLOW" //           a message that does not come to its end
  | "ENDED" //          by the peer, within a message
  | "PROBE" //          a request of HTTP, as load balancers make to see whether somebody is there
  | "REFUSED"; //       wrong shared key, user or password

/** The peer did something wrong, or too much. It costs it its connection and nobody else anything. */
export class ForwardError extends Error {
  override name = "ForwardError";
  readonly code: ForwardErrorCode;

  constructor(code: ForwardErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
