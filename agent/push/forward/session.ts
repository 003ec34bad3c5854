import { once } from "node:events";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import type { Spool } from "../spool/spool.ts";
import type { ForwardCounts } from "./forward-counts.ts";
import { ForwardError } from "./forward-error.ts";
import { type Credentials, Handshake } from "./handshake.ts";
import { asksForAckInJson, takeJsonMessage } from "./json-message.ts";
import type { LoopTurns } from "./loop-turns.ts";
import { MessageBudget, type MessageLimits } from "./message-budget.ts";
import { asksForAck, type Message, type MessageOptions, takeMessage, wholeValue } from "./message.ts";
import type { ByteBudget } from "./pending-bytes.ts";
import type { RefusedContents } from "./refused-contents.ts";
import { SocketInput } from "./socket-input.ts";

/** A client that is not known yet has only its PING to say, and this long to say it. */
const PING_MAX_BYTES = 4_096;
const PING_WITHIN_MS = 10_000;
/** Time for a peer to take what is said to it last, before its connection is given up. */
const LAST_WORDS_MS = 10_000;

export interface SessionOptions {
  readonly spool: Pick<Spool, "append" | "ready" | "maxLineBytes">;
  readonly credentials: Credentials | undefined;
  readonly budget: ByteBudget;
  readonly limits: MessageLimits;
  readonly counts: ForwardCounts;
  readonly turns: LoopTurns;
  readonly refused: RefusedContents;
  readonly messageTimeoutMs: number;
  /** Told of a message some of whose entries were no events. */
  readonly onMalformed: (tag: string, count: number) => void;
}

/** Events that are on their way to the disk, and what is said once they are there. */
interface Received {
  readonly stored: Promise<void>;
  readonly ack: Buffer | undefined;
}

/**
 * One connection. Entries are stored as they come, those that arrive together together; messages are acknowledged in
 * their order once all of theirs are stored. Until all that came is stored nothing more is read, but for the rest of
 * a message, and no more than the spool takes: so a full spool holds back its senders.
 */
export class Session {
  readonly #socket: Duplex;
  readonly #options: SessionOptions;
  readonly #input: SocketInput;
  readonly #stopping = new AbortController();
  readonly #messageOptions: MessageOptions;
  #received: Received[] = [];
  #handshake: Handshake | undefined;
  #isJson: boolean | undefined;
  #idleSinceMs: number | undefined = performance.now();

  constructor(socket: Duplex, options: SessionOptions) {
    const { budget, messageTimeoutMs, credentials, spool, turns, counts, refused } = options;
    const { signal } = this.#stopping;
    this.#socket = socket;
    this.#options = options;
    this.#input = new SocketInput(socket, {
      budget,
      messageTimeoutMs,
      settled: () => this.#settle(),
      ready: () => this.#ready(),
    });
    this.#messageOptions = { spool, turns, counts, refused, signal, pending: budget };
    if (credentials) this.#handshake = new Handshake(credentials);
  }

  /** Whether the peer never said anything. */
  get isSilent(): boolean {
    return this.#input.received === 0;
  }

  /** Whether it was ended by `stop`. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Nothing is begun that is not done with: it does not matter how it ends. */
  get isIdle(): boolean {
    return this.#idleSinceMs !== undefined;
  }

  /** Time since which it is idle, by the monotonic clock; undefined while it is not. */
  get idleSinceMs(): number | undefined {
    return this.#idleSinceMs;
  }

  /** Runs until the peer ends it, or `stop`. @throws ForwardError, and what the socket fails with */
  async run(): Promise<void> {
    // Told to whoever reads; there is a moment when nobody does.
    this.#socket.on("error", () => {});
    try {
      if (this.#handshake) await this.#shakeHands(this.#handshake);
      while (await this.#begins()) await this.#take();
      await this.#end();
    } finally {
      // Also when a bad message follows good ones: those are told of before the connection ends.
      await this.#settle().finally(() => {
        this.#input.end();
        this.#socket.destroy();
      });
    }
  }

  /** Ends it after the messages that were read. */
  stop(): void {
    this.#stopping.abort();
    if (this.#input.isWaiting) this.#socket.destroy();
  }

  /** Ends it now. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #shakeHands(handshake: Handshake): Promise<void> {
    const giveUp = setTimeout(() => this.#socket.destroy(), PING_WITHIN_MS);
    try {
      await this.#write(handshake.hello);
      if (!(await this.#begins())) return;
      const { window } = await wholeValue(this.#input, PING_MAX_BYTES);
      const { pong, refusal } = handshake.answer(window);
      await this.#write(pong);
      if (refusal !== undefined) throw new ForwardError("REFUSED", refusal);
      this.#handshake = undefined;
    } finally {
      clearTimeout(giveUp);
    }
  }

  /** Waits for the next message, once those before it are acknowledged. @returns false when there is none */
  async #begins(): Promise<boolean> {
    this.#input.message = undefined;
    if (!this.isStopped && this.#input.window.length > 0) return true;
    await this.#settle();
    if (this.isStopped) return false;
    this.#idleSinceMs = performance.now();
    return this.#input.more();
  }

  async #take(): Promise<void> {
    const { limits, counts } = this.#options;
    const first = this.#input.window[0]!;
    this.#isJson ??= first === 0x7b || first === 0x5b;
    if (this.#socket.destroyed && this.#passOverRepeated()) return;
    const budget = new MessageBudget(limits);
    this.#input.begin(budget);
    const message = await this.#takeMessage(budget);
    if (message === undefined) return;
    const { store, chunk } = message;
    counts.messages++;
    if (store.malformed > 0) this.#options.onMalformed(store.tag, store.malformed);
    const stored = store.stored();
    stored.catch(() => {});
    this.#received.push({ stored, ack: chunk && ackOf(chunk, this.#isJson) });
  }

  /** Nobody is there to hear that a message is stored: if its sender asks for that it comes again. */
  #passOverRepeated(): boolean {
    const { window } = this.#input;
    const found = this.#isJson ? asksForAckInJson(window) : asksForAck(window);
    // What is not there whole does not come to its end.
    if (found === undefined || found.asks) this.#input.consume(found?.end ?? window.length);
    return found === undefined || found.asks;
  }

  async #takeMessage(budget: MessageBudget): Promise<Message | undefined> {
    if (this.#isJson) return takeJsonMessage(this.#input, budget, this.#messageOptions);
    if (isRequest(this.#input.window)) throw new ForwardError("PROBE", "text, such as a request of HTTP");
    return takeMessage(this.#input, budget, this.#messageOptions);
  }

  /** Acknowledges what is received, once it is stored. */
  async #settle(): Promise<void> {
    for (const { stored, ack } of this.#received.splice(0)) {
      await stored;
      if (ack === undefined) continue;
      await this.#write(ack);
      this.#options.counts.acks++;
    }
  }

  /** There is something to be done with. */
  async #ready(): Promise<void> {
    this.#idleSinceMs = undefined;
    if (this.#handshake === undefined) await this.#options.spool.ready(this.#stopping.signal);
    await this.#options.turns.next();
  }

  /** What is said last goes out before the connection is gone. */
  async #end(): Promise<void> {
    if (this.#socket.destroyed) return;
    const late = AbortSignal.timeout(LAST_WORDS_MS);
    this.#socket.end();
    await finished(this.#socket, { readable: false, signal: late }).catch(() => {});
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(bytes)) return;
    // Between messages all is done for a peer that does not listen.
    if (this.#input.message === undefined) this.#idleSinceMs = performance.now();
    await once(this.#socket, "drain", { signal: this.#stopping.signal });
    this.#idleSinceMs = undefined;
  }
}

/** MessagePack of `{ ack: chunk }`, or JSON. @param chunk as it came */
function ackOf(chunk: Buffer, isJson = false): Buffer {
  if (isJson) return Buffer.concat([Buffer.from('{"ack":'), chunk, Buffer.from("}")]);
  return Buffer.concat([Buffer.of(0x81, 0xa3), Buffer.from("ack"), chunk]);
}

/** Capital letters are numbers in MessagePack, and so begin no message. A proxy that announces its client is no probe. */
function isRequest(window: Buffer): boolean {
  const first = window[0]!;
  return first >= 0x41 && first <= 0x5a && window.toString("latin1", 0, 5) !== "PROXY";
}
