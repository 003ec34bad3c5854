import { randomUUID } from "node:crypto";
import { ListShardsCommand, type KinesisClient, type Shard as StreamShard } from "@aws-sdk/client-kinesis";
import { ERROR_WAIT_MS, type MappingContext } from "./mapping-context.ts";
import type { MappingEvent } from "./mapping-event.ts";
import { MappingSwitch, type MappingState } from "./mapping-switch.ts";
import type { MappingSettings } from "./settings.ts";
import { ShardReader, type StartingPosition } from "./shard-reader.ts";
import { ShardTask, type ShardStatus } from "./shard-task.ts";
import { Wake } from "./wake.ts";

export interface MappingOptions extends Omit<
  MappingContext,
  "uuid" | "onEvent" | "enabled" | "pollNow" | "signal"
> {
  readonly onEvent?: (event: MappingEvent) => void;
  readonly signal?: AbortSignal;
  readonly uuid?: string;
}

export interface Mapping {
  readonly uuid: string;
  readonly settings: MappingSettings;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly state: MappingState;
  /** Reads and invokes no more, or goes on where it was. What is under way ends. */
  enable(on: boolean): void;
  status(): readonly ShardStatus[];
  /**
   * Resolves once everything that is in the stream at this moment is done or given up, on all shards
   * and their children. Until then batches do not wait for their window. Rejects when stopped.
   */
  drained(): Promise<void>;
  /** Stops reading and invoking at once; an invocation under way is not waited for. */
  stop(): Promise<void>;
}

/**
 * Feeds a stream to a function, as a Kinesis event source mapping on the stream's ARN does. Resolves
 * once it is known where each shard begins: with LATEST, records put from then on are seen.
 */
export async function startMapping(options: MappingOptions): Promise<Mapping> {
  const stopped = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopped.signal]) : stopped.signal;
  const uuid = options.uuid ?? randomUUID();
  const onEvent = options.onEvent ?? (() => {});
  const enabled = new MappingSwitch();
  const shards = new ShardFamily({ ...options, uuid, onEvent, enabled, pollNow: new Wake(), signal });
  await shards.begin();
  const { settings, streamArn, functionArn } = options;
  return {
    uuid,
    settings,
    streamArn,
    functionArn,
    get state() {
      const idle = shards.tasks.every(({ status }) => status.inFlight === 0);
      return enabled.state(idle, Date.now());
    },
    enable: (on) => enabled.turn(on, Date.now()),
    status: () => shards.tasks.map(({ status }) => status),
    drained: () => shards.drained(),
    stop: async () => {
      stopped.abort();
      await shards.ended();
    },
  };
}

/** All shards of a stream; a child begins when its parents are done. */
class ShardFamily {
  readonly #context: MappingContext;
  readonly #tasks = new Map<string, ShardTask>();
  readonly #skipped = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #draining = 0;

  constructor(context: MappingContext) {
    this.#context = context;
  }

  get tasks(): readonly ShardTask[] {
    return [...this.#tasks.values()];
  }

  /** Takes up the shards of this moment. "Latest" is past the end of those that are closed. */
  async begin(): Promise<void> {
    const { startingPosition } = this.#context.settings;
    const all = await this.#list();
    if (startingPosition === "LATEST") {
      for (const shard of all) if (isClosed(shard)) this.#skipped.add(shard.ShardId!);
    }
    const tasks = this.#ready(all).map((shard) => this.#add(shard, startingPosition));
    await Promise.all(tasks.map((task) => task.open()));
    for (const task of tasks) this.#run(task);
  }

  async drained(): Promise<void> {
    const { signal, pollNow } = this.#context;
    const sinceMs = Date.now();
    this.#draining++;
    try {
      const all = await this.#list();
      const closed = new Set(all.filter(isClosed).map(({ ShardId }) => ShardId));
      let known: number;
      do {
        this.#takeUp(all);
        known = this.#tasks.size;
        for (const task of this.tasks) task.hurry(true);
        pollNow.wake();
        await Promise.all(
          this.tasks.map((task) => task.finished(closed.has(task.shardId) ? Infinity : sinceMs)),
        );
        signal.throwIfAborted();
      } while (this.#ready(all).length > 0 || this.#tasks.size > known);
    } finally {
      this.#draining--;
      if (this.#draining === 0) for (const task of this.tasks) task.hurry(false);
    }
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  #add({ ShardId: shardId = "" }: StreamShard, position: StartingPosition): ShardTask {
    const { kinesis, streamName } = this.#context;
    const task = new ShardTask(
      shardId,
      new ShardReader(kinesis, streamName, shardId, position),
      this.#context,
    );
    if (this.#draining > 0) task.hurry(true);
    this.#tasks.set(shardId, task);
    return task;
  }

  #run(task: ShardTask): void {
    const running = task.run().then(() => this.#afterwards());
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async #afterwards(): Promise<void> {
    const { signal, onEvent, pollNow } = this.#context;
    while (!signal.aborted) {
      try {
        return this.#takeUp(await this.#list());
      } catch (error) {
        if (signal.aborted) return;
        onEvent({ kind: "poll-failed", shardId: undefined, error });
        await pollNow.wait(ERROR_WAIT_MS, signal);
      }
    }
  }

  #takeUp(all: readonly StreamShard[]): void {
    for (const shard of this.#ready(all)) this.#run(this.#add(shard, "TRIM_HORIZON"));
  }

  /** Shards not begun yet whose parents are done, skipped, or trimmed from the stream. */
  #ready(all: readonly StreamShard[]): StreamShard[] {
    const listed = new Set(all.map(({ ShardId }) => ShardId));
    const isDone = (id: string): boolean =>
      !listed.has(id) || this.#skipped.has(id) || this.#tasks.get(id)?.ended === true;
    return all.filter(
      (shard) =>
        !this.#tasks.has(shard.ShardId!) &&
        !this.#skipped.has(shard.ShardId!) &&
        parentsOf(shard).every(isDone),
    );
  }

  async #list(): Promise<StreamShard[]> {
    const { kinesis, streamName, signal } = this.#context;
    return listShards(kinesis, streamName, signal);
  }
}

async function listShards(
  kinesis: KinesisClient,
  streamName: string,
  signal: AbortSignal,
): Promise<StreamShard[]> {
  const shards: StreamShard[] = [];
  let token: string | undefined;
  do {
    const page = token === undefined ? { StreamName: streamName } : { NextToken: token };
    const reply = await kinesis.send(new ListShardsCommand(page), { abortSignal: signal });
    shards.push(...(reply.Shards ?? []));
    token = reply.NextToken;
  } while (token !== undefined);
  return shards;
}

function parentsOf(shard: StreamShard): string[] {
  return [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined);
}

function isClosed(shard: StreamShard): boolean {
  return shard.SequenceNumberRange?.EndingSequenceNumber !== undefined;
}
