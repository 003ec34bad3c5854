import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { encode, eventTime, map, type Value } from "../agent/forward/encode.ts";

/** Speaks the forward protocol to an agent as Fluent Bit's output `forward` and Docker's driver `fluentd` do. */
export class ForwardSender implements Disposable {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<ForwardSender> {
    const socket = createConnection(port, "127.0.0.1");
    await once(socket, "connect");
    return new ForwardSender(socket);
  }

  /**
   * Sends a chunk as Fluent Bit does with `require_ack_response`: PackedForward, each entry with metadata beside its time.
   * source: out_forward's forward.c and the event format of Fluent Bit 2.1 and later, read 2026-11
   *
   * @returns once it is acknowledged
   */
  async sendChunk(tag: string, records: readonly LogRecord[]): Promise<void> {
    const chunk = Buffer.from(tag).toString("hex");
    const entries = records.map((record) => encode([[timeOf(record), new Map()], valueOf(record)]));
    const options = map({ chunk, size: records.length, fluent_signal: 0 });
    await this.#send(chunk, [tag, Buffer.concat(entries), options]);
  }

  /**
   * Sends a message as Docker does with `fluentd-request-ack`. source: fluent-logger-golang 1.9, read 2026-11
   *
   * @returns once it is acknowledged
   */
  async sendMessage(tag: string, record: LogRecord): Promise<void> {
    const chunk = Buffer.from(record.log).toString("base64");
    await this.#send(chunk, [tag, timeOf(record), valueOf(record), map({ chunk })]);
  }

  async #send(chunk: string, message: Value): Promise<void> {
    this.#socket.write(encode(message));
    const [answer] = (await once(this.#socket, "data")) as [Buffer];
    if (!answer.equals(encode(map({ ack: chunk }))))
      throw new Error(`no acknowledgement: ${answer.toString()}`);
  }

  [Symbol.dispose](): void {
    this.#socket.end();
  }
}

/** A line of a container, with what a shipper says of it. */
export interface LogRecord {
  readonly log: string;
  /** Time at which Docker read it, where its own files have it. */
  readonly time?: string;
}

function timeOf({ time, log }: LogRecord): Value {
  const ms = Date.parse(time ?? (JSON.parse(log) as { ts: string }).ts);
  return eventTime(Math.floor(ms / 1_000), (ms % 1_000) * 1e6);
}

const valueOf = (record: LogRecord): Value => map(record as unknown as Record<string, Value>);
