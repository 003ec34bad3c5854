import type { Certificate } from "./certificate.ts";

/** What is to be put into a Kinesis, and how. */
export interface Job {
  /** A file, or a pattern of files. */
  readonly path: string;
  readonly endpoint: string;
  readonly compression: "none" | "zstd";
  /** Fluent Bit sends JSON always. */
  readonly wire: "json" | "cbor";
  /** Certificate of an endpoint that speaks TLS. */
  readonly certificate: Certificate | undefined;
}

export interface ProducerCost {
  /** Time of all threads. */
  readonly cpuSeconds: number;
  /** Time before that, from a program that can tell it. */
  readonly startUpCpuSeconds?: number;
  /** The most memory that it has held. */
  readonly residentMb: number;
}

/** A process that follows files until it is disposed of. */
export interface Following extends AsyncDisposable {
  readonly pid: number;
}

/** A program that puts files into a Kinesis, and that is measured. */
export interface Producer {
  readonly name: string;
  /** Runs until everything that stands in the files is sent. */
  drain(job: Job): Promise<ProducerCost>;
  follow(job: Job): Promise<Following>;
}
