import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { CheckpointFile, makeStateDirectory } from "../../agent/progress/checkpoint.ts";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { Aggregator } from "../../agent/kinesis/aggregator.ts";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import { NO_STATE, type TailState } from "../../agent/tail/files/tail-state.ts";
import { FileRule } from "../../agent/tail/files/file-rule.ts";
import type { FollowedFile } from "../../agent/tail/files/followed-file.ts";
import { Tail } from "../../agent/tail/tail.ts";
import type { Block } from "../../agent/framing/block.ts";
import { takeStep, withSteps } from "./stepped-fs.ts";
import { bySource, type Event, eventsOf, reassemble } from "./event.ts";

export const ROTATED_IDLE_MS = 60_000;

export interface TailHarnessOptions {
  /** Of the directory; `*.log` if absent. */
  readonly glob?: string;
  /** More settings of the `[[files]]` entry. */
  readonly settings?: object;
  readonly maxOpenFiles?: number;
  readonly partialLineMs?: number;
  /** No directory is watched if absent. */
  readonly watchedPollMs?: number;
  readonly log?: Logger;
  /** State of a checkpoint that there is already; none if absent. */
  readonly state?: TailState;
  /** Takes each record, and is to acknowledge it, instead of the Kinesis that is told to. */
  readonly send?: (record: OutgoingRecord) => void;
}

/**
 * A tail over real files in a directory of its own, with a clock that moves by hand and a Kinesis
 * that acknowledges when it is told to.
 */
export class TailHarness implements AsyncDisposable {
  readonly directory: string;
  readonly events: Event[] = [];
  readonly #options: TailHarnessOptions;
  readonly #rule: FileRule;
  readonly #unacknowledged: OutgoingRecord[] = [];
  #unacknowledgedEvents = 0;
  #tail: Tail;
  #aggregator: Aggregator;
  /** What the tail last had written down for the next start. */
  #remembered: TailState = NO_STATE;
  #nowMs = 1_000;
  /** What was told of the files after the last look. */
  #stamped: { readonly stamp: number | undefined; readonly seen: string } = { stamp: undefined, seen: "" };
  #isKilled = false;

  static async make(options: TailHarnessOptions = {}): Promise<TailHarness> {
    return new TailHarness(await mkdtemp(join(tmpdir(), "weir-tail-")), options);
  }

  private constructor(directory: string, options: TailHarnessOptions) {
    this.directory = directory;
    this.#options = options;
    const files = [{ tag: "test", path: this.path(options.glob ?? "*.log"), ...options.settings }];
    this.#rule = new FileRule(agentConfigSchema.parse({ stream: "test", files }).files[0]!);
    this.#tail = this.#makeTail(options.state ?? NO_STATE);
    this.#aggregator = this.#makeAggregator();
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  get state(): TailState {
    return this.#tail.state;
  }

  get stamp(): number | undefined {
    return this.#tail.stamp;
  }

  get files(): FollowedFile[] {
    return [...this.#tail.files()];
  }

  /** What the bookkeeper does once a second. */
  checkpoint(): void {
    this.#remembered = JSON.parse(JSON.stringify(this.#tail.state)) as TailState;
  }

  /** What a crash takes with it: lines that were read and did not reach Kinesis. */
  loseUnsent(): void {
    this.events.splice(this.events.length - this.#unacknowledgedEvents);
    this.#unacknowledgedEvents = 0;
    this.#unacknowledged.length = 0;
  }

  /**
   * One look at the files, with something coming between any two of its operations.
   *
   * @param between throws to kill the agent there: start another one then
   */
  async pollStepped(between: (what: string) => Promise<void>): Promise<void> {
    const step = async (what: string): Promise<void> => {
      if (this.#isKilled) throw new Error("killed");
      try {
        await between(what);
      } catch (error) {
        this.#isKilled = true;
        throw error;
      }
    };
    await withSteps(step, () => this.poll(() => takeStep("framed"))).catch((error: unknown) => {
      if (!this.#isKilled) throw error;
    });
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Lines that were framed are sent, and reach Kinesis. */
  send(): void {
    this.#aggregator.flush();
  }

  /** One look at the files, and all that it finds to read. */
  async poll(afterBlock: () => Promise<void> = async () => {}): Promise<void> {
    await this.#frame(this.#tail.poll(new AbortController().signal), afterBlock);
    this.#checkStamp();
    this.pass(1_000);
  }

  /** Files that are said to be as they were are. */
  #checkStamp(): void {
    const { stamp } = this.#tail;
    const seen = JSON.stringify(
      this.files.map(({ source, location, phase, size, read, gap, error, goneAtMs, isCutOff, known }) => {
        return {
          source,
          location,
          phase,
          size,
          read,
          gap,
          error,
          goneAtMs,
          isCutOff,
          known: known.fingerprint,
        };
      }),
    );
    if (stamp !== undefined && stamp === this.#stamped.stamp && seen !== this.#stamped.seen) {
      throw new Error(`${this.#stamped.seen} has become ${seen}, and its stamp is the same`);
    }
    this.#stamped = { stamp, seen };
  }

  /** A look while nothing more can be sent. */
  async keepWatch(): Promise<void> {
    await this.#tail.keepWatch();
    this.pass(1_000);
  }

  /** What a check would say of the files. */
  async problems(): Promise<string[]> {
    const { fatal, unreadable } = await this.#rule.problems();
    return [...fatal, ...unreadable];
  }

  async drain(): Promise<void> {
    await this.#frame(this.#tail.drain(new AbortController().signal));
  }

  acknowledge(): void {
    for (const record of this.#unacknowledged.splice(0)) record.acknowledge();
    this.#unacknowledgedEvents = 0;
  }

  /** As the bookkeeper does once a heartbeat has told of a source's end. */
  forget(file: FollowedFile): void {
    this.#tail.forget(file);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /**
   * Stops the agent and starts another from its checkpoint. Files may change in between. @param changed what
   * the next agent finds in the checkpoint
   */
  async restart(
    meanwhile: () => Promise<void> = async () => {},
    changed: (state: TailState) => TailState = (state) => state,
  ): Promise<void> {
    await this.#startOver(() => changed(this.#tail.state), meanwhile);
  }

  /** The same after a crash that came before the next checkpoint was due. */
  async crash(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.#startOver(() => this.#remembered, meanwhile);
  }

  /** The same with an empty state directory. */
  async loseState(meanwhile: () => Promise<void>): Promise<void> {
    await this.#startOver(() => NO_STATE, meanwhile);
  }

  async #startOver(state: () => TailState, meanwhile: () => Promise<void>): Promise<void> {
    await this.#tail.close();
    this.#isKilled = false;
    this.#unacknowledged.length = 0;
    this.#unacknowledgedEvents = 0;
    this.#aggregator = this.#makeAggregator();
    await meanwhile();
    this.#tail = this.#makeTail(await this.#written(state()));
    this.#stamped = { stamp: undefined, seen: "" };
  }

  /** As the next agent reads it. */
  async #written(state: TailState): Promise<TailState> {
    const directory = `${this.directory}.state`;
    await makeStateDirectory(directory);
    await new CheckpointFile(directory).save({ ...state, spool: undefined }, new Date());
    return new CheckpointFile(directory).load();
  }

  /** What was delivered, per source: the contents of files, as far as they are complete. */
  contents(): string[] {
    return Array.from(bySource(this.events).values(), reassemble);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail.close();
    await rm(this.directory, { recursive: true });
    await rm(`${this.directory}.state`, { recursive: true, force: true });
  }

  async #frame(
    blocks: AsyncIterable<Block<FollowedFile>>,
    afterBlock: () => Promise<void> = async () => {},
  ): Promise<void> {
    for await (const { runs } of blocks) {
      if (this.#isKilled) return;
      for (const framed of runs) this.#aggregator.pack(framed);
      await afterBlock();
    }
    if (!this.#isKilled) this.#aggregator.flush();
  }

  #makeTail(state: TailState): Tail {
    const { maxOpenFiles = 100, partialLineMs = 0, watchedPollMs = 0 } = this.#options;
    return new Tail(
      {
        host: "test-host",
        rules: [this.#rule],
        pollMs: 1_000,
        idlePollMs: 0,
        watchedPollMs,
        scanMs: 0,
        rotatedIdleMs: ROTATED_IDLE_MS,
        partialLineMs,
        maxOpenFiles,
        log: this.#options.log ?? pino({ level: "silent" }),
        now: () => this.#nowMs,
        remember: async (state) => {
          await takeStep("remember");
          this.#remembered = JSON.parse(JSON.stringify(state)) as TailState;
          await takeStep("remembered");
        },
      },
      state,
    );
  }

  #makeAggregator(): Aggregator {
    return new Aggregator({
      maxBytes: 65_536,
      lingerMs: 60_000,
      compression: "none",
      ordering: "none",
      shards: { choose: () => ({ shardId: "shardId-000000000000", explicitHashKey: "0" }) },
      seal: (record) => {
        if (this.#options.send) return this.#options.send(record);
        const events = eventsOf(record.data);
        this.#unacknowledgedEvents += events.length;
        this.events.push(...events);
        this.#unacknowledged.push(record);
      },
    });
  }
}
