import { setTimeout as sleep } from "node:timers/promises";
import { compileEventPattern } from "./event-pattern.ts";
import { failure, type InvokeResult } from "./lambda/invoke-result.ts";
import type { News } from "./news.ts";

/** Events that may wait; the ticks make good what an event over it would have done. */
const MAX_WAITING_EVENTS = 100;

/** The tick after these finds what came unseen, such as an object that somebody put into the lake. */
const MAX_TICKS_LEFT_OUT = 4;

export interface ScheduleOptions {
  /** Never rejects: see `LambdaFunction`. */
  readonly invoke: (payload: string) => Promise<InvokeResult>;
  /** Between two ticks; the first comes after as long. */
  readonly everyMs: number;
  /** While it has none, only every fifth tick of the clock is made, to spare a laptop's battery; every one by default. */
  readonly news?: News;
  /** Payload of a tick, JSON text. */
  readonly payload: string;
  /** EventBridge's pattern of the events that invoke as well; left out, none does. */
  readonly pattern?: unknown;
  readonly onInvoked?: (result: InvokeResult) => void;
  readonly signal?: AbortSignal;
  /** Passes the time between ticks; the machine's clock by default. Rejects on abort. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export interface Schedule {
  /** Invokes after what runs and waits now; one tick waits at most. Rejects when stopped before. */
  tick(): Promise<InvokeResult>;
  /** Puts an event on the bus. @returns whether it invokes the function */
  put(event: object): boolean;
  /** Invokes after what runs and waits now, for somebody who waits for the answer. Never rejects. */
  invoke(payload: string): Promise<InvokeResult>;
  /** Nothing more is invoked; what runs is left alone. */
  stop(): void;
}

/**
 * EventBridge in front of one function: a schedule at a fixed rate and a rule. Invocations never
 * overlap, as for a function with a reserved concurrency of 1.
 *
 * @throws EventPatternError
 */
export function startSchedule(options: ScheduleOptions): Schedule {
  const { payload, pattern } = options;
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  const matches = pattern === undefined ? () => false : compileEventPattern(pattern);
  let last: Promise<unknown> = Promise.resolve();
  let waitingTick: Promise<InvokeResult> | undefined;
  let waitingEvents = 0;

  const enqueue = (payload: string, onStart: () => void): Promise<InvokeResult> => {
    const result = last.then(async () => {
      onStart();
      signal.throwIfAborted();
      const result = await options.invoke(payload);
      options.onInvoked?.(result);
      return result;
    });
    // Only a stop rejects, and whoever waits for this very result is told.
    last = result.catch(() => {});
    return result;
  };
  const tick = (): Promise<InvokeResult> => {
    waitingTick ??= enqueue(payload, () => (waitingTick = undefined));
    return waitingTick;
  };
  const put = (event: object): boolean => {
    if (signal.aborted || waitingEvents >= MAX_WAITING_EVENTS || !matches(event)) return false;
    waitingEvents++;
    void enqueue(JSON.stringify(event), () => waitingEvents--).catch(() => {});
    return true;
  };
  const invoke = async (payload: string): Promise<InvokeResult> => {
    if (waitingEvents >= MAX_WAITING_EVENTS) return busy();
    waitingEvents++;
    return enqueue(payload, () => waitingEvents--).catch(stopped);
  };
  void tickForEver(options, tick, signal);
  return { tick, put, invoke, stop: () => ended.abort() };
}

async function tickForEver(
  { everyMs, news, wait = defaultWait }: ScheduleOptions,
  tick: () => Promise<InvokeResult>,
  signal: AbortSignal,
): Promise<void> {
  let leftOut = 0;
  while (!signal.aborted) {
    // Either rejects on a stop only, and then there is nothing more to do.
    const stopped = await wait(everyMs, signal).then(
      () => false,
      () => true,
    );
    if (stopped) return;
    if (news?.take() === false && leftOut < MAX_TICKS_LEFT_OUT) leftOut++;
    else {
      leftOut = 0;
      tick().catch(() => {});
    }
  }
}

async function defaultWait(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}

const busy = (): InvokeResult =>
  failure("", "TooManyRequestsException", "too many invocations wait already", { throttled: true });

const stopped = (): InvokeResult => failure("", "ResourceConflictException", "the cloud is stopped");
