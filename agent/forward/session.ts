import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { SpoolEvent } from "../spool/batch.ts";
import type { Spool } from "../spool/spool.ts";
import type { ForwardCounts } from "./forward-counts.ts";
import { ForwardError } from "./forward-error.ts";
import { type Credentials, Handshake } from "./handshake.ts";
import { JsonFramer, readJsonMessage } from "./json-message.ts";
import { readMessage } from "./message.ts";
import { MsgpackFramer } from "./msgpack-framer.ts";
import { pack } from "./pack.ts";
import { type ByteBudget, PendingBytes } from "./pending-bytes.ts";

/** A client that is not known yet has only its PING to say, and this long to say it. */
const PING_MAX_BYTES = 4_096;
const PING_WITHIN_MS = 10_000;

export interface SessionOptions {
  readonly spool: Pick<Spool, "append" | "ready">;
  readonly credentials: Credentials | undefined;
  readonly budget: ByteBudget;
  readonly maxMessageBytes: number;
  readonly maxInflatedBytes: number;
  readonly counts: ForwardCounts;
  /** For which a message that has begun is waited for, not counting what we keep it waiting. */
  readonly messageTimeoutMs: number;
}

/** Events that are on their way to the disk, and what is said once they are there. */
interface Received {
  readonly stored: Promise<void>;
  readonly ack: Buffer | undefined;
}

/**
 * One connection. Messages that arrive together are stored together, and acknowledged in their order
 * once they are; until then nothing more is read, so a full spool holds back its senders.
 */
export class Session {
  readonly #socket: Duplex;
  readonly #options: SessionOptions;
  readonly #pending: PendingBytes;
  readonly #stopping = new AbortController();
  #framer: MsgpackFramer | JsonFramer | undefined;
  #handshake: Handshake | undefined;
  #isBusy = false;
  /** For the rest of a message, so far. */
  #waitedMs = 0;

  constructor(socket: Duplex, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#pending = new PendingBytes(options.budget);
    if (options.credentials) this.#handshake = new Handshake(options.credentials);
  }

  /** Runs until the peer ends it, or `stop`. @throws ForwardError, and what the socket fails with */
  async run(): Promise<void> {
    // Told to whoever reads; there is a moment when nobody does.
    this.#socket.on("error", () => {});
    const giveUp = setTimeout(() => this.#handshake && this.#socket.destroy(), PING_WITHIN_MS);
    let endWait = () => {};
    try {
      if (this.#handshake) await this.#write(this.#handshake.hello);
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        endWait();
        this.#isBusy = true;
        this.#options.counts.bytes += chunk.length;
        // While the spool is full nothing is collected that could not be stored.
        await this.#roomToStore();
        this.#pending.append(chunk);
        await this.#receive();
        this.#isBusy = false;
        if (this.#stopping.signal.aborted) break;
        endWait = this.#beginWait();
      }
    } finally {
      endWait();
      clearTimeout(giveUp);
      this.#pending.clear();
      this.#socket.destroy();
    }
  }

  /** Ends it after the messages that were read. */
  stop(): void {
    this.#stopping.abort();
    if (!this.#isBusy) this.#socket.destroy();
  }

  /** Ends it now. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Who sends a message bit by bit holds memory for as long: not for ever. Between messages nobody hurries. */
  #beginWait(): () => void {
    if (this.#pending.bytes.length === 0) return () => {};
    const { messageTimeoutMs } = this.#options;
    const startedAt = performance.now();
    const late = new ForwardError("SLOW", `a message that takes longer than ${messageTimeoutMs} ms`);
    const timer = setTimeout(() => this.#socket.destroy(late), messageTimeoutMs - this.#waitedMs);
    return () => {
      clearTimeout(timer);
      this.#waitedMs += performance.now() - startedAt;
    };
  }

  async #receive(): Promise<void> {
    const received: Received[] = [];
    try {
      for (let bytes = this.#next(); bytes !== undefined; bytes = this.#next()) {
        if (this.#handshake) await this.#authenticate(this.#handshake, bytes);
        else received.push(...this.#store(bytes));
        // Before the next one is taken: until then the budget counts it.
        if (this.#pending.bytes.length > 0) await this.#roomToStore();
      }
    } finally {
      // Also when a bad message follows good ones: those are told of before the connection ends.
      for (const { stored } of received) stored.catch(() => {});
      for (const { stored, ack } of received) {
        await stored;
        if (ack === undefined) continue;
        await this.#write(ack);
        this.#options.counts.acks++;
      }
    }
  }

  async #roomToStore(): Promise<void> {
    if (this.#handshake === undefined) await this.#options.spool.ready(this.#stopping.signal);
  }

  /** The next whole message, if it is there. @throws ForwardError */
  #next(): Buffer | undefined {
    const { bytes } = this.#pending;
    if (bytes.length === 0) return undefined;
    this.#framer ??= bytes[0] === 0x7b || bytes[0] === 0x5b ? new JsonFramer() : new MsgpackFramer();
    const end = this.#framer.end(bytes);
    const limit = this.#handshake ? PING_MAX_BYTES : this.#options.maxMessageBytes;
    if ((end ?? this.#framer.leastBytes) > limit) {
      throw new ForwardError("TOO_LARGE", `a message of more than ${limit} bytes`);
    }
    if (end === undefined) return undefined;
    this.#waitedMs = 0;
    return this.#pending.take(end);
  }

  async #authenticate(handshake: Handshake, bytes: Buffer): Promise<void> {
    const { pong, refusal } = handshake.answer(bytes);
    await this.#write(pong);
    if (refusal !== undefined) throw new ForwardError("REFUSED", refusal);
    this.#handshake = undefined;
  }

  *#store(bytes: Buffer): Generator<Received> {
    const isJson = this.#framer instanceof JsonFramer;
    const message = isJson ? readJsonMessage(bytes) : readMessage(bytes, this.#options.maxInflatedBytes);
    if (message === undefined) return;
    const { events, chunk } = message;
    // It comes again: nobody is there to hear that it is stored.
    if (chunk !== undefined && this.#socket.destroyed) return;
    this.#options.counts.messages++;
    const ack =
      chunk === undefined
        ? undefined
        : isJson
          ? Buffer.from(JSON.stringify({ ack: chunk }))
          : pack({ ack: chunk });
    // Copied out of `bytes` before this returns.
    yield { stored: this.#options.spool.append(this.#counted(events)), ack };
  }

  *#counted(events: Iterable<SpoolEvent>): Generator<SpoolEvent> {
    const { counts } = this.#options;
    for (const event of events) {
      counts.events++;
      yield event;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#socket.write(bytes) || this.#socket.destroyed) return;
    await once(this.#socket, "drain", { signal: this.#stopping.signal });
  }
}
