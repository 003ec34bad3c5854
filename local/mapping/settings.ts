/** An event source mapping's settings, under short names. -1 is "without end", as in the service. */
export interface MappingSettings {
  /** Records per invocation, 1 to 10,000. */
  readonly batchSize: number;
  /** Longest wait for a fuller batch, 0 to 300. */
  readonly windowSeconds: number;
  /** Split a batch that failed. */
  readonly bisect: boolean;
  /** After the first attempt; -1 to 10,000. Throttled invocations do not count, nor do splits. */
  readonly retryAttempts: number;
  /** Older records are not sent (any more); -1, or 60 to 604,800. */
  readonly maxRecordAgeSeconds: number;
  /** The function's answer names the records that failed. */
  readonly reportBatchItemFailures: boolean;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  /** Left out, what is given up is gone. */
  readonly failureDestinationBucket?: string;
}
