export type RouterErrorCode =
  | "NO_BUCKET" //          WEIR_LAKE_BUCKET is not set
  | "MAPPED_CONSUMER" //    the event source mapping reads an enhanced fan-out consumer
  | "MIXED_SHARDS" //       a batch of more than one shard
  | "UNBALANCED" //         lines are not rows + rejected + filtered + duplicates
  | "BAD_COMMIT" //         a commit that its readers would refuse
  | "SINK_REFUSED" //       the lake refuses an object, and will again
  | "SINK_FAILED"; //       the lake could not take an object, and may yet

/** Nothing is committed when it is thrown. */
export class RouterError extends Error {
  override name = "RouterError";
  readonly code: RouterErrorCode;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: RouterErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(`${message}: ${hint}`, options);
    this.code = code;
    this.hint = hint;
  }
}
