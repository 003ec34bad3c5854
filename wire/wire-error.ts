/** Why bytes that crossed a process boundary could not be read. */
export type WireErrorCode =
  | "NOT_AN_AGGREGATE" //      the four magic bytes are missing
  | "TRUNCATED" //             a field runs past the end
  | "DIGEST_MISMATCH" //       the MD5 trailer does not match the body
  | "MALFORMED" //             not the protobuf message it should be
  | "TOO_MANY_PARTS" //        more records, keys and tags than an aggregate of any use has
  | "KEY_INDEX" //             a record points outside the key table
  | "PROVENANCE" //            a provenance tag breaks its grammar
  | "INFLATED_TOO_LARGE" //    unpacks to more than the limit
  | "BAD_COMPRESSION" //       compressed data that does not unpack
  | "UNSUPPORTED_COMPRESSION" // compressed in a way that is known but not read
  | "TOO_DEEP" //              layers of compression or aggregation without end
  | "BAD_COMMIT" //            a commit object that breaks its schema
  | "BAD_SEGMENT" //           a segment of the log that breaks its grammar
  | "BAD_KEY" //               an object key that breaks its grammar
  | "BAD_CONDITION" //         an erasure's condition that breaks its grammar, or does not fit its columns
  | "BAD_ERASURE" //           an erasure's record that breaks its schema
  | "BAD_FAILURE_RECORD"; //   what a failure destination holds breaks its schema

/** Bad bytes, with the place in them. Never thrown for anything the sender did right. */
export class WireError extends Error {
  override name = "WireError";
  readonly code: WireErrorCode;
  /** Byte offset in the input at which reading stopped, where there is one. */
  readonly at: number | undefined;

  constructor(code: WireErrorCode, message: string, at?: number, options?: ErrorOptions) {
    super(at === undefined ? message : `${message} (at byte ${at})`, options);
    this.code = code;
    this.at = at;
  }
}
