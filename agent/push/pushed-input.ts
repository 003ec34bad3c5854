import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import type { Logger } from "pino";
import type { AgentConfig } from "../config/config.ts";
import { AgentError, systemReason } from "../agent-error.ts";
import { diskFs } from "../machine/durable-fs.ts";
import type { ForwardConfig } from "../config/forward-config.ts";
import { ForwardCounts } from "./forward/forward-counts.ts";
import { ForwardServer, type ForwardSecrets, readSecrets } from "./forward/forward-server.ts";
import { LineCounts } from "./lines/line-counts.ts";
import { LineServer } from "./lines/line-server.ts";
import { type LineStreamOptions, storeLines } from "./lines/stream-lines.ts";
import { Listener } from "../machine/listener.ts";
import type { SpoolLimits } from "./spool/room.ts";
import type { SpoolPosition } from "./spool/segments.ts";
import { Spool } from "./spool/spool.ts";
import { SpoolReader } from "./spool/spool-reader.ts";

const NAME = "pushed";

/** Of all spools. */
const spoolsDirectory = (stateDirectory: string): string => join(stateDirectory, "spool");

/** Where pushed events wait. */
export function spoolDirectory(stateDirectory: string): string {
  return join(spoolsDirectory(stateDirectory), NAME);
}

/** The forward input, with what it is made of. */
interface Forward {
  readonly server: ForwardServer;
  readonly made: readonly [AgentConfig["forward"], ForwardSecrets];
}

/** Inputs of another configuration, listening and not used yet. */
export interface PreparedInputs extends AsyncDisposable {
  /** Puts them in the place of those that are there, which may still acknowledge what they have. */
  use(): Promise<void>;
}

/** What there is to tell of the inputs of pushed events, and of where these wait. */
export interface PushedVitals {
  readonly spool: Pick<
    Spool,
    "source" | "end" | "bytes" | "lines" | "counts" | "quarantined" | "error" | "oldestMs" | "isFull"
  >;
  readonly reader: Pick<SpoolReader, "read" | "lines" | "delivery" | "overtaken" | "lost">;
  readonly limits: Pick<AgentConfig["spool"], "max_bytes" | "overflow">;
  readonly forward: ForwardCounts | undefined;
  /** Address on which it listens. */
  readonly forwardAddress: string | undefined;
  /** Counts by `stdin`, or the socket's path. */
  readonly lines: ReadonlyMap<string, LineCounts>;
}

/** Everything that is sent to the agent rather than found by it: inputs, their spool, and its reader. */
export class PushedInput implements AsyncDisposable {
  #reader: SpoolReader;
  #config: AgentConfig;
  readonly #spool: Spool;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #forward: Forward | undefined;
  /** By path; those that take no more connections go on to the end of those they have. */
  readonly #lineServers = new Map<string, LineServer>();
  readonly #retired = new Set<LineServer>();
  #listensTo = false;
  readonly #forwardCounts = new ForwardCounts();
  /** By name of the input. */
  readonly #lineCounts = new Map<string, LineCounts>();

  /** @param isRenewed its spool goes on under another id @throws AgentError SPOOL */
  static async open(
    config: AgentConfig,
    position: SpoolPosition | undefined,
    log: Logger,
    isRenewed = false,
  ): Promise<PushedInput> {
    const directory = spoolsDirectory(config.state_dir);
    const spool = await Spool.open(
      { fs: diskFs, directory, name: NAME, host: config.host, log, ...limitsOf(config) },
      position,
      isRenewed,
    );
    return new PushedInput(config, spool, position, log);
  }

  private constructor(config: AgentConfig, spool: Spool, position: SpoolPosition | undefined, log: Logger) {
    this.#config = config;
    this.#spool = spool;
    this.#log = log;
    const { offset, gap } = spool.startAfter(position);
    this.#reader = new SpoolReader(spool, offset, diskFs, log, gap);
  }

  get reader(): SpoolReader {
    return this.#reader;
  }

  /** What there is to tell of it at this moment. */
  get vitals(): PushedVitals {
    const { forward, spool } = this.#config;
    return {
      spool: this.#spool,
      reader: this.#reader,
      limits: spool,
      forward: forward && this.#forwardCounts,
      forwardAddress: forward && addressOf(forward),
      lines: this.#lineCounts,
    };
  }

  /** Begins anew where delivery ended: what was on its way is given up when the configuration changes. */
  async readAgain(): Promise<void> {
    const { offset, gap } = this.position;
    await this.#reader.close();
    this.#reader = new SpoolReader(this.#spool, offset, diskFs, this.#log, gap);
  }

  /** How far it is delivered, and on disk. */
  get position(): SpoolPosition {
    const { source, end } = this.#spool;
    const { offset, gap } = this.#reader.delivery.resume;
    return { sourceId: source.id, offset, end, gap };
  }

  /** Deletes what is delivered. Call only once a checkpoint with this position is on disk. */
  async release({ offset }: SpoolPosition): Promise<void> {
    await this.#spool.release(offset);
  }

  /** Takes events until it is disposed of. @throws AgentError LISTEN, CONFIG_UNREADABLE */
  async listen(): Promise<void> {
    await using inputs = await this.prepare(this.#config, true);
    await inputs.use();
    this.readStdin(this.#stop.signal).catch((error: unknown) =>
      this.#log.error({ reason: systemReason(error) }, "stdin cannot be read"),
    );
  }

  /**
   * Everything that could go wrong with the inputs of a configuration goes wrong here.
   *
   * @throws AgentError LISTEN, CONFIG_UNREADABLE, RELOAD
   */
  async prepare(next: AgentConfig, listens = this.#listensTo): Promise<PreparedInputs> {
    if ((next.stdin === undefined) !== (this.#config.stdin === undefined)) {
      const hint = "Restart the agent; its tag may change meanwhile.";
      throw new AgentError("RELOAD", "stdin", "cannot come or go while the agent runs", hint);
    }
    await using opened = new AsyncDisposableStack();
    const forward = listens ? await this.#prepareForward(next, opened) : undefined;
    const lineListeners = new Map<string, Listener>();
    for (const { path, unix_mode, unix_group } of listens ? next.line_sockets : []) {
      const access = { unix_mode, unix_group };
      const before = this.#lineServers.get(path);
      await before?.listener.allow(access, "[[line_sockets]]");
      if (before) continue;
      const address = { path, ...access };
      lineListeners.set(path, opened.use(await Listener.open(address, "[[line_sockets]]", this.#log)));
    }
    const rest = opened.move();
    return {
      use: async () => {
        rest.move();
        this.#listensTo = listens;
        this.#config = next;
        this.#spool.configure(limitsOf(next));
        await this.#useLines(next, lineListeners);
        await this.#useForward(forward);
      },
      [Symbol.asyncDispose]: () => rest.disposeAsync(),
    };
  }

  async #prepareForward(
    { forward: config, host }: AgentConfig,
    opened: AsyncDisposableStack,
  ): Promise<Forward | undefined> {
    if (config === undefined) return undefined;
    const secrets = await readSecrets(config);
    const made = [config, secrets] as const;
    if (isDeepStrictEqual(made, this.#forward?.made)) return this.#forward;
    const held = this.#forward?.server.listeners ?? new Map<string, Listener>();
    const server = await ForwardServer.prepare(
      config,
      secrets,
      host,
      this.#spool,
      held,
      this.#log,
      this.#forwardCounts,
    );
    for (const [name, listener] of server.listeners) if (!held.has(name)) opened.use(listener);
    return { server, made };
  }

  async #useForward(next: Forward | undefined): Promise<void> {
    const before = this.#forward;
    if (next === before) return;
    this.#forward = next;
    await next?.server.begin(before?.server);
    for (const [name, listener] of before?.server.listeners ?? []) {
      if (next?.server.listeners.get(name) !== listener) void listener.close();
    }
    await before?.server.end();
  }

  async #useLines({ line_sockets }: AgentConfig, opened: ReadonlyMap<string, Listener>): Promise<void> {
    for (const config of line_sockets) {
      const { path } = config;
      const listener = opened.get(path);
      if (listener) this.#lineServers.set(path, new LineServer(listener, this.#lineOptions(path), this.#log));
      this.#lineServers.get(path)?.begin(config);
    }
    const paths = new Set(line_sockets.map(({ path }) => path));
    for (const [path, server] of this.#lineServers) {
      if (paths.has(path)) continue;
      this.#lineServers.delete(path);
      this.#retired.add(server);
      void server.retire().then(() => this.#retired.delete(server));
    }
  }

  /** Puts the lines of standard input into the spool, to its end or until the signal. */
  async readStdin(signal: AbortSignal): Promise<void> {
    if (this.#config.stdin === undefined || signal.aborted) return;
    const stop = () => process.stdin.destroy();
    signal.addEventListener("abort", stop);
    try {
      // It does not come or go: see `prepare`.
      const tag = () => this.#config.stdin!.tag;
      await storeLines(process.stdin, { ...this.#lineOptions("stdin"), tag, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #lineOptions(input: string): Omit<LineStreamOptions, "tag"> {
    const maxLineBytes = () => this.#config.spool.max_event_bytes;
    const counts = this.#lineCounts.get(input) ?? new LineCounts();
    this.#lineCounts.set(input, counts);
    return { spool: this.#spool, maxLineBytes, signal: this.#stop.signal, counts };
  }

  /** Stops taking events, and then what they are kept in. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#forward?.server[Symbol.asyncDispose]();
    for (const server of [...this.#lineServers.values(), ...this.#retired])
      await server[Symbol.asyncDispose]();
    await this.#reader.close();
    await this.#spool[Symbol.asyncDispose]();
  }
}

function limitsOf({ spool }: AgentConfig): SpoolLimits {
  return {
    maxBytes: spool.max_bytes,
    minFreeBytes: spool.min_free_bytes,
    segmentBytes: spool.segment_bytes,
    maxLineBytes: spool.max_event_bytes,
    overflow: spool.overflow,
    sync: spool.sync,
  };
}

function addressOf({ bind, port, unix_path }: ForwardConfig): string | undefined {
  return port === undefined ? unix_path : `${bind}:${port}`;
}
