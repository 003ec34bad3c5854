import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as settled } from "node:timers/promises";
import type { Disk } from "./disk.ts";

interface Timer {
  atMs: number;
  /** Set of one that comes again and again. */
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** One of the machines that something runs on. */
export interface Machine {
  /** By how much its clock is wrong. */
  skewMs: number;
  readonly disk: Disk;
}

const RealDate = Date;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const realSetInterval = globalThis.setInterval;
const realClearInterval = globalThis.clearInterval;

/** A millisecond of the real clock. */
export const realWait = (): Promise<void> =>
  new Promise((resolve) => void realSetTimeout(() => resolve(), 1));

/**
 * Time that stands still while anything runs, and then jumps to the next moment that somebody waits for. What is
 * simulated has no other: `Date`, timers and `performance.now` are replaced as long as a history is simulated, and what
 * is due at the same moment comes in the order in which it was asked for.
 */
export class VirtualTime {
  /** Of all hosts and services whose clock is right. */
  nowMs: number;
  readonly #beganMs: number;
  /** In the order in which they are due. */
  readonly #timers: Timer[] = [];
  readonly #machine = new AsyncLocalStorage<Machine>();

  constructor(beganMs: number) {
    this.nowMs = this.#beganMs = beganMs;
  }

  /** Of whoever asks. */
  get wallMs(): number {
    return this.nowMs + (this.machine?.skewMs ?? 0);
  }

  /** That whoever asks runs on; undefined for services. */
  get machine(): Machine | undefined {
    return this.#machine.getStore();
  }

  on<T>(machine: Machine, run: () => T): T {
    return this.#machine.run(machine, run);
  }

  /** @throws whatever the signal was aborted for */
  readonly sleep = (ms = 0, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        this.#remove(timer);
        reject(signal!.reason as Error);
      };
      const timer = this.#add(ms, undefined, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      signal?.addEventListener("abort", abort, { once: true });
    });

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      await settled();
      const next = this.#timers[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      if (next.everyMs !== undefined) this.#insert(Object.assign(next, { atMs: this.nowMs + next.everyMs }));
      next.run();
    }
    this.nowMs = untilMs;
  }

  /** So long after, without anything in between: whoever waited has waited for so long. */
  skip(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#timers) timer.atMs += ms;
  }

  /** Puts itself in the place of the process's clock and timers. @returns what undoes it */
  install(): () => void {
    const clear = (timer: unknown): void => {
      if (isReal(timer)) realClearTimeout(timer);
      else this.#remove(timer as Timer);
    };
    const wait =
      (isRepeated: boolean) =>
      (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        // It goes on on the machine that it was asked for on, as what is awaited does by itself.
        this.#add(
          ms,
          isRepeated ? ms : undefined,
          AsyncLocalStorage.bind(() => run(...args)),
        );
    const timeout = Object.getOwnPropertyDescriptor(AbortSignal, "timeout")!;
    const replaced = {
      Date: this.#date(),
      setTimeout: wait(false),
      setInterval: wait(true),
      clearTimeout: clear,
      clearInterval: clear,
    };
    Object.assign(globalThis, replaced);
    Object.defineProperty(AbortSignal, "timeout", {
      ...timeout,
      value: (ms: number) => this.#abortAfter(ms),
    });
    const now = (): number => this.nowMs - this.#beganMs;
    Object.defineProperty(performance, "now", { value: now, configurable: true });
    Object.defineProperty(performance, "timeOrigin", { value: this.#beganMs, configurable: true });
    return () => {
      Object.assign(globalThis, {
        Date: RealDate,
        setTimeout: realSetTimeout,
        setInterval: realSetInterval,
        clearTimeout: realClearTimeout,
        clearInterval: realClearInterval,
      });
      Object.defineProperty(AbortSignal, "timeout", timeout);
      // Those of their class are there again.
      Reflect.deleteProperty(performance, "now");
      Reflect.deleteProperty(performance, "timeOrigin");
    };
  }

  #abortAfter(ms: number): AbortSignal {
    const controller = new AbortController();
    this.#add(ms, undefined, () => controller.abort(new DOMException("timed out", "TimeoutError")));
    return controller.signal;
  }

  #date(): DateConstructor {
    const now = (): number => Math.floor(this.wallMs);
    return new Proxy(RealDate, {
      construct: (target, args, newTarget: () => void) =>
        Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
      get: (target, name) => (name === "now" ? now : (Reflect.get(target, name) as unknown)),
    });
  }

  #add(ms: number, everyMs: number | undefined, run: () => void): Timer {
    const timer: Timer = { atMs: this.nowMs + Math.max(0, ms), everyMs, run };
    this.#insert(timer);
    return timer;
  }

  #insert(timer: Timer): void {
    let at = this.#timers.length;
    while (at > 0 && this.#timers[at - 1]!.atMs > timer.atMs) at--;
    this.#timers.splice(at, 0, timer);
  }

  #remove(timer: Timer | undefined): void {
    const at = timer === undefined ? -1 : this.#timers.indexOf(timer);
    if (at >= 0) this.#timers.splice(at, 1);
  }
}

/** A timer of Node's own, from before the time was replaced. */
const isReal = (timer: unknown): timer is NodeJS.Timeout =>
  typeof timer === "object" && timer !== null && "refresh" in timer;
