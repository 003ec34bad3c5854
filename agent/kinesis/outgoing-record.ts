/** A Kinesis record to be sent, with what to tell once it has arrived. */
export interface OutgoingRecord {
  readonly data: Buffer;
  readonly partitionKey: string;
  readonly explicitHashKey: string;
  /** Set where the records of a source must arrive in order: only one of them is in flight. */
  readonly source: string | undefined;
  readonly acknowledge: () => void;
}
