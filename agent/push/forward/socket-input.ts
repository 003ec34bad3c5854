import type { Duplex } from "node:stream";
import type { ByteInput } from "./byte-input.ts";
import { ForwardError } from "./forward-error.ts";
import type { MessageBudget } from "./message-budget.ts";
import { type ByteBudget, PendingBytes } from "./pending-bytes.ts";

/** A message goes on while its peer brings as much of it within the time that it has for a message. */
const PROGRESS_BYTES = 2 ** 20;

export interface SocketInputOptions {
  readonly budget: ByteBudget;
  /** For which the rest of a message is waited for, not counting what we keep it waiting. */
  readonly messageTimeoutMs: number;
  /** Done with what is there, before more is waited for. */
  readonly settled: () => Promise<void>;
  /** Asked before more is held: what could not be stored is better left to its sender. */
  readonly ready: () => Promise<void>;
}

/** What a peer sends. */
export class SocketInput implements ByteInput {
  /** Budget of the message that is being read; undefined between messages. */
  message: MessageBudget | undefined;
  /** Nothing is left to do until the peer sends more. */
  isWaiting = false;
  /** All there were. */
  received = 0;
  readonly #socket: Duplex;
  readonly #options: SocketInputOptions;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #pending: PendingBytes;
  /** For the rest of a message, and bytes that came meanwhile. */
  #waitedMs = 0;
  #progress = 0;

  constructor(socket: Duplex, options: SocketInputOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#pending = new PendingBytes(options.budget);
    // Its peer may have ended its side and wait for what we have to say.
    this.#chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  get window(): Buffer {
    return this.#pending.bytes;
  }

  consume(bytes: number): void {
    this.#pending.take(bytes);
    this.message?.send(bytes);
  }

  /** From now on time counts for another message. */
  begin(message: MessageBudget): void {
    this.message = message;
    this.#waitedMs = 0;
    this.#progress = this.received;
  }

  async more(): Promise<boolean> {
    await this.#options.settled();
    const chunk = await this.#next();
    if (chunk === undefined) return false;
    this.received += chunk.length;
    await this.#options.ready();
    this.#pending.append(chunk);
    return true;
  }

  async #next(): Promise<Buffer | undefined> {
    const endWait = this.#beginWait();
    this.isWaiting = true;
    try {
      const { value, done } = await this.#chunks.next();
      return done ? undefined : value;
    } finally {
      this.isWaiting = false;
      endWait();
    }
  }

  /** Who sends a message bit by bit holds memory for as long: not for ever. Between messages nobody hurries. */
  #beginWait(): () => void {
    if (this.message === undefined) return () => {};
    const { messageTimeoutMs } = this.#options;
    if (this.received - this.#progress > PROGRESS_BYTES) {
      this.#progress = this.received;
      this.#waitedMs = 0;
    }
    const startedAt = performance.now();
    const late = new ForwardError("SLOW", `a message that takes longer than ${messageTimeoutMs} ms`);
    const timer = setTimeout(() => this.#socket.destroy(late), messageTimeoutMs - this.#waitedMs);
    return () => {
      clearTimeout(timer);
      this.#waitedMs += performance.now() - startedAt;
    };
  }

  /** Lets go of what is left. */
  end(): void {
    this.#pending.clear();
  }
}
