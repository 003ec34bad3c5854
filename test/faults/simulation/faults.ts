/** What goes wrong by itself, with how often out of one it does each time that it could; 0: a step brings it about. */
export const FAULTS = {
  // Agents and the stream
  "put-refused": { probability: 0.02, what: "PutRecords fails as a whole" },
  "put-throttled": { probability: 0.03, what: "a shard is over its limit for a part of a request" },
  "put-partly-failed": { probability: 0.05, what: "Kinesis fails an entry of a request" },
  "put-answer-lost": { probability: 0.02, what: "PutRecords takes all, and its answer is lost" },
  "stream-down": { probability: 0, what: "Kinesis answers nobody for a while" },
  "agent-stopped": { probability: 0, what: "an agent is stopped, and started again" },
  "agent-killed": { probability: 0, what: "an agent is killed, and started again from its checkpoint" },
  "power-lost": { probability: 0, what: "a host loses what was not synced of the agent's state" },
  "host-cloned": { probability: 0, what: "a machine is made from the image of another one" },
  "clock-jumped": { probability: 0, what: "a host's clock is set" },
  "file-rotated": { probability: 0, what: "a log is renamed, and begun anew" },
  resharded: { probability: 0, what: "a shard is split, or two are merged" },
  "record-corrupt": { probability: 0, what: "a producer sends an aggregate that is damaged" },
  "foreign-answer-lost": {
    probability: 0.05,
    what: "another producer sends a record again, its answer lost",
  },
  // Router and event source mapping
  "router-throttled": { probability: 0.02, what: "Lambda refuses an invocation" },
  "router-killed": { probability: 0.02, what: "the router's time is up in the middle of its puts" },
  "invoke-answer-lost": { probability: 0.02, what: "a batch is done, and comes again" },
  "router-broken": { probability: 0, what: "a deployment that always fails, until batches are given up" },
  "router-clock-wrong": { probability: 0.01, what: "a commit is named by a minute that is long over" },
  redeployed: { probability: 0, what: "another configuration goes to the router, and later to the loader" },
  "rejected-reparsed": { probability: 0, what: "rejected lines are filed anew, before or after a load" },
  // S3
  "s3-refused": { probability: 0.004, what: "a request to S3 fails" },
  "s3-answer-lost": { probability: 0.004, what: "a request to S3 is carried out, and its answer is lost" },
  // Sequencer and loader
  "sequencer-doubled": { probability: 0.05, what: "two sequencers run at once" },
  "sequencer-killed": { probability: 0.02, what: "a sequencer's time is up" },
  "sequencer-cold": { probability: 0.1, what: "a sequencer knows nothing of the log's end" },
  "loader-doubled": { probability: 0.1, what: "two loaders run at once" },
  "loader-killed": { probability: 0.03, what: "a loader's time is up" },
  "event-lost": { probability: 0.1, what: "the end of a statement is told to nobody" },
  "event-doubled": { probability: 0.1, what: "the end of a statement is told twice" },
  "load-failed": { probability: 0.05, what: "a transaction fails, since another one is in its way" },
  "load-refused": { probability: 0, what: "a table takes no rows for a while" },
  "api-throttled": { probability: 0.02, what: "the Data API refuses a call" },
  "api-answer-lost": { probability: 0.01, what: "the Data API carries a call out, and its answer is lost" },
  "warehouse-away": { probability: 0, what: "nobody reaches the warehouse for a while" },
  "loader-state-lost": {
    probability: 0,
    what: "the loader's state is removed, or put back to an earlier one",
  },
} as const satisfies Record<string, { readonly probability: number; readonly what: string }>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];
