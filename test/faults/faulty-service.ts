import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type Interruption, type Moment, type Proxy, startProxy } from "../end-to-end/proxy.ts";

/** A call as it is told apart. */
export interface Call {
  readonly method: string;
  readonly url: string;
  /** The operation, of services that name it in a header. */
  readonly target: string;
}

/** Kills whoever makes the next call of a kind. */
interface Strike {
  readonly isIt: (call: Call) => boolean;
  readonly moment: Moment;
  readonly pids: () => readonly number[];
  readonly done: () => void;
}

/** Stands between a function and a service that it calls, and lets calls fail as it is told. */
export class FaultyService implements AsyncDisposable {
  /** What becomes of a call, asked before the service has it and once it has answered; nothing by default. */
  fate: (call: Call, moment: Moment) => Interruption | undefined = () => undefined;
  #strikes: readonly Strike[] = [];
  #proxy: Proxy | undefined;

  /** @param target asked on every call: the service may not have started yet */
  static async start(target: () => string): Promise<FaultyService> {
    const service = new FaultyService();
    service.#proxy = await startProxy(target, (call, _body, moment) => service.#meet(call, moment));
    return service;
  }

  get endpoint(): string {
    return this.#proxy!.endpoint;
  }

  /** Sends SIGKILL at the next call that `isIt`. @returns once the caller is gone */
  async killAt(isIt: Strike["isIt"], moment: Moment, pids: Strike["pids"]): Promise<void> {
    const { promise, resolve: done } = Promise.withResolvers<void>();
    this.#strikes = [...this.#strikes, { isIt, moment, pids, done }];
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.[Symbol.asyncDispose]();
  }

  async #meet(message: IncomingMessage, moment: Moment): Promise<Interruption | undefined> {
    const { method = "", url = "", headers } = message;
    const call = { method, url, target: String(headers["x-amz-target"]) };
    const strike = this.#strikes.find((one) => one.moment === moment && one.isIt(call));
    if (strike === undefined) return this.fate(call, moment);
    this.#strikes = this.#strikes.filter((one) => one !== strike);
    for (const pid of strike.pids()) kill(pid);
    if (!message.socket.destroyed) await once(message.socket, "close");
    strike.done();
    return "lost";
  }
}

export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It may have ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
