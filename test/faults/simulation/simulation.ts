import { Random } from "../../sequencer/random.ts";
import type { FailedBatch } from "../../../ops/audit/failed-batches.ts";
import { MemoryS3 } from "../../../bench/memory-s3.ts";
import { Acknowledged } from "./acknowledged.ts";
import { auditProblems } from "./audited.ts";
import { Bucket } from "./bucket.ts";
import { Chance } from "./chance.ts";
import type { FaultName } from "./faults.ts";
import { Host } from "./host.ts";
import { drain } from "./drain.ts";
import type { Outcome } from "./lambda.ts";
import { CONFIGS } from "./lines.ts";
import { LoaderFunction } from "./loader-function.ts";
import { Mapping } from "./mapping.ts";
import { onPlatform } from "./platform.ts";
import { Producer } from "./producer.ts";
import { RouterFunction } from "./router-function.ts";
import { SequencerFunction } from "./sequencer-function.ts";
import { drawSteps, type Step } from "./steps.ts";
import { Stream } from "./stream.ts";
import { VirtualTime } from "./virtual-time.ts";
import { problemsOf } from "./invariants.ts";

/** Keeps what is drawn for the steps apart from what is drawn as they happen. */
const STEPS_SEED = 1_000_000;

/** Steps after which the checkpoints are looked at. */
const CHECKED: ReadonlySet<Step["kind"]> = new Set(["pass", "wait", "kill", "lose-power"]);

const BEGIN_MS = Date.parse("2026-11-21T10:00:00Z");
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** Until every agent has looked at its files. */
const FIRST_LOOK_MS = 10 * SECOND_MS;

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: readonly Step[];
  /** Faults that are left out. */
  readonly without?: ReadonlySet<FaultName>;
}

/** What came of a history. */
export interface History {
  /** What does not hold; nothing where all is well. */
  readonly problems: readonly string[];
  readonly trace: readonly string[];
  readonly faults: ReadonlyMap<FaultName, number>;
  readonly totals: Readonly<Record<string, number>>;
}

/** The steps that a seed decides on; what happens by itself follows from it as well. */
export const historyOf = (seed: number): SimulationOptions => ({
  seed,
  steps: drawSteps(new Random(STEPS_SEED + seed)),
});

export async function simulate(options: SimulationOptions): Promise<History> {
  const simulation = new Simulation(options);
  try {
    return await onPlatform(simulation, () => simulation.run());
  } finally {
    simulation.loader.warehouse.close();
  }
}

/** The pipeline from the files to the table, and whoever makes it difficult. */
export class Simulation {
  readonly time = new VirtualTime(BEGIN_MS);
  readonly random: Random;
  readonly chance: Chance;
  readonly stream: Stream;
  readonly bucket: Bucket;
  readonly failures = new MemoryS3();
  readonly router: RouterFunction;
  readonly mapping: Mapping;
  readonly sequencer: SequencerFunction;
  readonly loader: LoaderFunction;
  readonly producer: Producer;
  readonly hosts: Host[] = [];
  readonly acknowledged = new Acknowledged();
  readonly trace: string[] = [];
  /** Batches that were given up, whatever became of them since. */
  readonly failed: FailedBatch[] = [];
  /** What was found not to hold while the history went on. */
  readonly problems: string[] = [];
  /** Configurations that the router, and the loader, were deployed with last. */
  readonly deployed = { router: 0, loader: 0 };
  /** By which rejected lines were filed anew, if they were. */
  reparsedBy: number | undefined;
  readonly #steps: readonly Step[];
  #lines = 0;
  #isScheduled = true;
  #earlierState: Buffer | undefined;

  constructor({ seed, steps, without = new Set() }: SimulationOptions) {
    this.random = new Random(seed);
    this.#steps = steps;
    this.chance = new Chance(this.random, without, (what) => this.note(what));
    const first = this.random.pick([0, 0, 0, 1, 2, 3]);
    this.deployed.router = this.deployed.loader = first;
    const config = CONFIGS[first]!;
    this.bucket = new Bucket(this.time, this.chance);
    this.stream = new Stream(this.time, this.chance, this.random.int(1, 3), () => this.mapping.look());
    this.router = new RouterFunction(config, this.bucket, this.time, this.chance);
    this.mapping = new Mapping({
      time: this.time,
      stream: this.stream,
      settings: {
        batchSize: this.random.int(2, 40),
        windowSeconds: this.random.int(0, 5),
        bisect: this.random.chance(0.8),
        retryAttempts: this.random.int(2, 6),
        maxRecordAgeSeconds: this.random.chance(0.3) ? 90 : -1,
        reportBatchItemFailures: true,
        startingPosition: "TRIM_HORIZON",
        failureDestinationBucket: "failures",
      },
      failures: this.failures,
      invoke: (shardId, payload) => this.router.invoke(shardId, payload),
      onGivenUp: (batch) => {
        this.failed.push(batch);
        this.note(`batch of ${batch.shardId} given up, ${batch.records} records`);
      },
    });
    this.sequencer = new SequencerFunction(this.bucket, this.time, this.chance);
    this.loader = new LoaderFunction(config, this.bucket, this.time, this.chance, (outcome) =>
      this.#told(outcome),
    );
    const nextLine = (): number => ++this.#lines;
    this.producer = new Producer(this.stream, this.chance, nextLine);
    for (let i = 0; i < this.random.int(1, 3); i++) this.hosts.push(this.#newHost(`web-${i + 1}`, nextLine));
  }

  #newHost(name: string, nextLine: () => number): Host {
    return new Host(name, {
      time: this.time,
      random: this.random,
      client: (host) =>
        this.stream.client(host, (taken) => {
          for (const record of taken) this.acknowledged.add(record);
        }),
      nextLine,
    });
  }

  note(what: string): void {
    const seconds = (this.time.nowMs - BEGIN_MS) / SECOND_MS;
    this.trace.push(`${seconds.toFixed(3).padStart(10)} ${what}`);
  }

  async run(): Promise<History> {
    this.mapping.look();
    for (const host of this.hosts) host.start();
    void this.#every(MINUTE_MS, async () => {
      for (const outcome of await this.sequencer.invoke()) this.#told(outcome);
    });
    void this.#every(this.random.pick([MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS]), () => this.loader.invoke());
    await this.time.pass(FIRST_LOOK_MS);
    for (const step of this.#steps) {
      await this.#take(step);
      if (CHECKED.has(step.kind)) await this.#checkPositions();
    }
    this.chance.isOn = false;
    this.note("all faults cease");
    await drain(this);
    this.problems.push(...(await problemsOf(this)), ...(await auditProblems(this)));
    return {
      problems: this.problems,
      trace: this.trace,
      faults: this.chance.counts,
      totals: {
        lines: this.hosts.reduce((sum, { lines }) => sum + lines.length, 0),
        foreign: this.producer.events.length,
        records: this.stream.shards.reduce((sum, { records }) => sum + records.length, 0),
        commits: this.bucket.memory.keys("commits/").length,
        segments: this.bucket.memory.keys("log/0").length,
        loads: this.loader.warehouse.hasTable("weir.loads")
          ? this.loader.warehouse.query("SELECT 1 FROM weir.loads").length
          : 0,
        hours: (this.time.nowMs - BEGIN_MS) / (60 * MINUTE_MS),
      },
    };
  }

  /** Nothing is invoked by the clock from here on. */
  endSchedules(): void {
    this.#isScheduled = false;
  }

  async #every(ms: number, run: () => Promise<unknown>): Promise<void> {
    for (;;) {
      await this.time.sleep(ms);
      if (!this.#isScheduled) return;
      // A schedule does not wait for what it has invoked.
      void run();
    }
  }

  #told({ name, error, report }: Outcome): void {
    if (error) {
      this.note(`${name}: ${error.message}`);
      if (!isExpected(error)) this.problems.push(`${name} failed: ${error.stack}`);
    } else if (report) this.note(`${name}: ${JSON.stringify(report)}`);
  }

  async #take({ kind, seed }: Step): Promise<void> {
    const random = new Random(seed);
    const host = random.pick(this.hosts);
    // Whoever was killed is started again by and by.
    for (const other of this.hosts) if (!other.isRunning && random.chance(0.3)) other.start();
    if (kind === "write") return host.write(random.int(1, 14), random);
    if (kind === "foreign") return this.producer.put(random);
    if (kind === "pass") return this.time.pass(random.int(200, 12_000));
    if (kind === "wait") return this.time.pass(random.int(1, 4) * MINUTE_MS);
    return this.#disturb(kind, host, random);
  }

  async #disturb(
    kind: Exclude<Step["kind"], "write" | "foreign" | "pass" | "wait">,
    host: Host,
    random: Random,
  ): Promise<void> {
    switch (kind) {
      case "rotate":
        if (host.rotate(random)) this.chance.happened("file-rotated", host.name);
        return;
      case "kill":
        if (host.isRunning) this.chance.happened("agent-killed", host.name);
        return host.kill();
      case "restart":
        if (!host.isRunning) return;
        this.chance.happened("agent-stopped", host.name);
        void host.stop();
        return;
      case "lose-power":
        this.chance.happened("power-lost", host.name);
        return host.losePower(random);
      case "clone":
        return this.#clone(host);
      case "set-clock":
        host.setClock(random.int(-3_600, 3_600) * SECOND_MS);
        return this.chance.happened("clock-jumped", host.name);
      case "reshard": {
        const shard = random.pick(this.stream.open);
        if (this.stream.open.length < 5 && random.chance(0.6)) this.stream.split(shard);
        else if (!this.stream.merge(shard)) return;
        this.mapping.look();
        return this.chance.happened("resharded", `${this.stream.open.length} open`);
      }
      case "stream-down":
        this.chance.happened("stream-down");
        return this.#during(random.int(2, 90), (isOn) => (this.stream.isDown = isOn));
      case "corrupt":
        this.chance.happened("record-corrupt");
        return this.producer.putCorrupt(random);
      case "break-router":
        this.chance.happened("router-broken");
        return this.#during(random.int(5, 120), (isOn) => (this.router.isBroken = isOn));
      case "refuse-rows":
        this.chance.happened("load-refused");
        return this.#during(random.int(30, 300), (isOn) => (this.loader.isRefused = isOn));
      case "leave-warehouse":
        this.chance.happened("warehouse-away");
        return this.#during(random.int(30, 300), (isOn) => (this.loader.isAway = isOn));
      case "deploy":
        return this.deploy("router", this.deployed.router + 1);
      case "deploy-loader":
        return this.deploy("loader", this.deployed.router);
      case "lose-loader-state":
        return this.#loseLoaderState(random);
    }
  }

  deploy(what: "router" | "loader", version: number): void {
    const config = CONFIGS[version];
    if (config === undefined || version === this.deployed[what]) return;
    this.deployed[what] = version;
    this.chance.happened("redeployed", `${what} ${version}`);
    if (what === "router") this.router.deploy(config);
    else this.loader.config = config;
  }

  async #clone(host: Host): Promise<void> {
    if (!host.isQuiet || this.hosts.length >= 4) return;
    const name = `copy-${this.hosts.length + 1}`;
    this.chance.happened("host-cloned", `${host.name} to ${name}`);
    const clone = await host.clone(name);
    this.hosts.push(clone);
    clone.start();
  }

  #loseLoaderState(random: Random): void {
    const { memory } = this.bucket;
    const key = "loads/state.json";
    const state = memory.get(key);
    if (state === undefined) return;
    if (random.chance(0.5) || this.#earlierState === undefined) {
      // It is put back some other time.
      this.#earlierState = state;
      if (random.chance(0.5)) return;
      memory.delete(key);
    } else memory.put(key, this.#earlierState);
    this.chance.happened("loader-state-lost");
  }

  #during(seconds: number, set: (isOn: boolean) => void): void {
    set(true);
    void this.time.sleep(seconds * SECOND_MS).then(() => set(false));
  }

  /** No checkpoint says of anything that it is delivered unless the stream has said so. */
  async #checkPositions(): Promise<void> {
    for (const host of this.hosts) {
      for (const { source, delivered } of await host.positions()) {
        if (this.acknowledged.covers(source, delivered)) continue;
        this.problems.push(
          `the checkpoint of ${host.name} says ${delivered} of ${source}, and acknowledged is ${this.acknowledged.text(source)}`,
        );
      }
    }
  }
}

/** Whatever faults are simulated make an invocation fail; all else is a defect. */
function isExpected({ name, message, cause }: Error & { readonly code?: string }): boolean {
  if (/^(?:ServiceUnavailable|ThrottlingException|TimeoutError|DatabaseConnectionException)$/.test(name))
    return true;
  if (/ServiceUnavailable|another run (?:saved|put)|try again/.test(message)) return true;
  return cause instanceof Error && isExpected(cause);
}
