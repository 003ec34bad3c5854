import { join } from "node:path";
import type { Logger } from "pino";
import { type AgentConfig, takesEvents } from "./config.ts";
import { systemReason } from "./agent-error.ts";
import { ForwardServer } from "./forward/forward-server.ts";
import { LineServer } from "./lines/line-server.ts";
import { type LineStreamOptions, storeLines } from "./lines/stream-lines.ts";
import { Spool, type SpoolPosition } from "./spool/spool.ts";
import { diskFs } from "./durable-fs.ts";
import { SpoolReader } from "./spool/spool-reader.ts";

const NAME = "pushed";

/** Everything that is sent to the agent rather than found by it: inputs, their spool, and its reader. */
export class PushedInput implements AsyncDisposable {
  #reader: SpoolReader;
  readonly #spool: Spool;
  readonly #config: AgentConfig;
  readonly #log: Logger;

  /**
   * A spool that the checkpoint knows is read to its end, even when nothing is put into it any more.
   *
   * @returns undefined when there is neither an input nor such a spool @throws AgentError SPOOL
   */
  static async open(
    config: AgentConfig,
    position: SpoolPosition | undefined,
    log: Logger,
  ): Promise<PushedInput | undefined> {
    if (!takesEvents(config) && position === undefined) return undefined;
    const { max_bytes, segment_bytes, overflow, sync } = config.spool;
    const spool = await Spool.open(
      {
        fs: diskFs,
        directory: join(config.state_dir, "spool"),
        name: NAME,
        host: config.host,
        maxBytes: max_bytes,
        segmentBytes: segment_bytes,
        maxLineBytes: config.spool.max_event_bytes,
        overflow,
        sync,
        log,
      },
      position,
    );
    return new PushedInput(config, spool, position, log);
  }

  private constructor(config: AgentConfig, spool: Spool, position: SpoolPosition | undefined, log: Logger) {
    this.#config = config;
    this.#spool = spool;
    this.#log = log;
    const from = position?.sourceId === spool.source.id ? position.offset : 0;
    this.#reader = new SpoolReader(spool, from, diskFs, log);
  }

  get reader(): SpoolReader {
    return this.#reader;
  }

  /** Begins anew where delivery ended: what was on its way is given up when the configuration changes. */
  async readAgain(): Promise<void> {
    const { offset } = this.position;
    await this.#reader.close();
    this.#reader = new SpoolReader(this.#spool, offset, diskFs, this.#log);
  }

  /** How far it is delivered. */
  get position(): SpoolPosition {
    return { sourceId: this.#spool.source.id, offset: this.#reader.delivery.resume.offset };
  }

  /** Deletes what is delivered. Call only once a checkpoint with this position is on disk. */
  async release({ offset }: SpoolPosition): Promise<void> {
    await this.#spool.release(offset);
  }

  /** Takes events until it is disposed of. @throws AgentError LISTEN */
  async listen(): Promise<AsyncDisposable> {
    const { forward, line_sockets, host } = this.#config;
    const stop = new AbortController();
    await using inputs = new AsyncDisposableStack();
    if (forward) inputs.use(await ForwardServer.start(forward, host, this.#spool, this.#log));
    for (const config of line_sockets) {
      inputs.use(await LineServer.start(config, this.#lineOptions(stop.signal), this.#log));
    }
    const reading = this.#config.stdin && this.readStdin(stop.signal);
    reading?.catch((error: unknown) =>
      this.#log.error({ reason: systemReason(error) }, "stdin cannot be read"),
    );
    inputs.defer(() => stop.abort());
    return inputs.move();
  }

  /** Puts the lines of standard input into the spool, to its end or until the signal. */
  async readStdin(signal: AbortSignal): Promise<void> {
    const { stdin } = this.#config;
    if (stdin === undefined) return;
    const stop = () => process.stdin.destroy();
    signal.addEventListener("abort", stop);
    try {
      await storeLines(process.stdin, { ...this.#lineOptions(signal), tag: stdin.tag });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #lineOptions(signal: AbortSignal): Omit<LineStreamOptions, "tag"> {
    return { spool: this.#spool, maxLineBytes: this.#config.spool.max_event_bytes, signal };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.close();
    await this.#spool[Symbol.asyncDispose]();
  }
}
