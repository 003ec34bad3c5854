import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAccessLog } from "./access-log.ts";
import type { Certificate } from "./certificate.ts";
import { ProcessCost } from "./process-cost.ts";
import type { Following, Job, Producer, ProducerCost } from "./producer.ts";
import { Sink } from "./sink.ts";

/** Bounds what it holds of a file that it reads faster than it sends. */
const MEMORY_LIMIT = "32M";

/** Saves time, not CPU: with a buffer that is full it waits for the next flush, a second by default. */
const DRAIN_FLUSH_SECONDS = "0.2";

const FIRST_RUN_BYTES = 100_000;
const FIRST_RUN_MS = 10_000;
const POLL_MS = 20;

/** Fluent Bit, which tails files into Kinesis on many hosts, so that the agent can be measured beside it. */
export class FluentBit implements Producer {
  readonly name = "Fluent Bit";
  readonly #binary: string;
  readonly #speaksHttp: boolean;
  readonly #speaksTls: boolean;

  /**
   * What the environment names, if anything. Two short runs find out what it speaks.
   *
   * @throws Error for a binary that does not run, or with which nothing arrives
   */
  static async find(directory: string, certificate: Certificate | undefined): Promise<FluentBit | undefined> {
    const binary = process.env["FLUENT_BIT"];
    if (binary === undefined || binary === "") {
      console.error("the agent is measured alone: FLUENT_BIT names no binary of Fluent Bit to run beside it");
      return undefined;
    }
    const version = versionOf(binary);
    const speaksHttp = await arrives(binary, directory);
    const speaksTls = certificate !== undefined && (await arrives(binary, directory, certificate));
    if (!speaksHttp && !speaksTls) {
      throw new Error(`FLUENT_BIT=${binary}: nothing that it sends to Kinesis arrives, by HTTP or by TLS`);
    }
    console.error(`beside the agent: ${version}`);
    if (!speaksHttp) console.error("its Kinesis output speaks TLS alone: all that is compared goes over TLS");
    if (!speaksTls)
      console.error("its Kinesis output speaks plain HTTP alone: the agent's TLS is not compared");
    return new FluentBit(binary, speaksHttp, speaksTls);
  }

  private constructor(binary: string, speaksHttp: boolean, speaksTls: boolean) {
    this.#binary = binary;
    this.#speaksHttp = speaksHttp;
    this.#speaksTls = speaksTls;
  }

  /** Tells whether its Kinesis output does: releases speak TLS alone, whatever is configured. */
  speaks(isTls: boolean): boolean {
    return isTls ? this.#speaksTls : this.#speaksHttp;
  }

  async drain(job: Job): Promise<ProducerCost> {
    const child = start(this.#binary, job, { isDrain: true });
    const cost = new ProcessCost(child.pid!);
    while (cost.read()) await sleep(POLL_MS);
    return { cpuSeconds: cost.cpuSeconds, residentMb: cost.peakResidentMb };
  }

  async follow(job: Job): Promise<Following> {
    const child = start(this.#binary, job, { isDrain: false });
    return {
      pid: child.pid!,
      [Symbol.asyncDispose]: async () => {
        child.kill();
        if (child.exitCode === null) await once(child, "exit");
      },
    };
  }
}

function versionOf(binary: string): string {
  try {
    const printed = execFileSync(binary, ["--version"], { encoding: "utf8", stdio: "pipe" });
    return printed.split("\n", 1)[0]!;
  } catch (error) {
    throw new Error(`FLUENT_BIT=${binary} cannot be run: ${(error as Error).message}`, { cause: error });
  }
}

async function arrives(binary: string, directory: string, certificate?: Certificate): Promise<boolean> {
  const path = join(directory, "first-run.log");
  const written = await writeAccessLog(path, FIRST_RUN_BYTES);
  await using sink = await Sink.start(certificate);
  const how = { compression: "none", wire: "json", certificate } as const;
  const child = start(binary, { path, endpoint: sink.endpoint, ...how }, { isDrain: true, stderr: "ignore" });
  const timeout = setTimeout(() => child.kill("SIGKILL"), FIRST_RUN_MS);
  await once(child, "exit");
  clearTimeout(timeout);
  return (await sink.counts()).lines === written.lines;
}

interface RunOptions {
  /** Ends when everything is sent. */
  readonly isDrain: boolean;
  readonly stderr?: "inherit" | "ignore";
}

/** Sends lines as they stand and many in a record, which comes nearest to what the agent does. */
function start(binary: string, job: Job, { isDrain, stderr = "inherit" }: RunOptions): ChildProcess {
  const { hostname, port } = new URL(job.endpoint);
  const input = { path: job.path, read_from_head: "on", mem_buf_limit: MEMORY_LIMIT };
  const stream = { stream: "null", region: "us-east-1", endpoint: hostname, port };
  const trust = job.certificate && { "tls.ca_file": job.certificate.certificateFile };
  const compression = job.compression === "none" ? {} : { compression: job.compression };
  const output = { ...stream, ...trust, ...compression, simple_aggregation: "on", log_key: "log" };
  const service = isDrain ? ["-f", DRAIN_FLUSH_SECONDS] : [];
  const inputArgs = ["-i", "tail", ...properties({ ...input, ...(isDrain && { exit_on_eof: "on" }) })];
  const outputArgs = ["-o", "kinesis_streams", "-m", "*", ...properties(output)];
  const args = ["-q", ...service, ...inputArgs, ...outputArgs];
  const env = { PATH: process.env["PATH"], AWS_ACCESS_KEY_ID: "bench", AWS_SECRET_ACCESS_KEY: "bench" };
  return spawn(binary, args, { stdio: ["ignore", "ignore", stderr], env });
}

function properties(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-p", `${name}=${value}`]);
}
