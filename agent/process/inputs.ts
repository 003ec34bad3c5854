import type { Logger } from "pino";
import { type AgentConfig, takesEvents } from "../config/config.ts";
import { type PreparedInputs, PushedInput } from "../push/pushed-input.ts";
import type { SpoolPosition } from "../push/spool/segments.ts";

/** Pushed input where there is any, which may come to be while the agent runs. */
export class Inputs implements AsyncDisposable {
  pushed: PushedInput | undefined;
  readonly #isListening: boolean;
  readonly #log: Logger;

  /**
   * A spool that the checkpoint knows is read to its end, even when nothing is put into it any more.
   *
   * @param isListening false for an agent that only delivers what is there
   * @param isRenewed the spool goes on under another id
   * @throws AgentError SPOOL
   */
  static async open(
    config: AgentConfig,
    position: SpoolPosition | undefined,
    isListening: boolean,
    log: Logger,
    isRenewed = false,
  ): Promise<Inputs> {
    const isThere = takesEvents(config) || position !== undefined;
    const pushed = isThere ? await PushedInput.open(config, position, log, isRenewed) : undefined;
    return new Inputs(pushed, isListening, log);
  }

  private constructor(pushed: PushedInput | undefined, isListening: boolean, log: Logger) {
    this.pushed = pushed;
    this.#isListening = isListening;
    this.#log = log;
  }

  get position(): SpoolPosition | undefined {
    return this.pushed?.position;
  }

  /** Takes events from now on. @throws AgentError LISTEN, CONFIG_UNREADABLE */
  async listen(): Promise<void> {
    if (this.#isListening) await this.pushed?.listen();
  }

  /** Those of another configuration, to be put to use or disposed of. @throws AgentError */
  async prepare(next: AgentConfig): Promise<PreparedInputs> {
    if (this.pushed || !takesEvents(next)) return (await this.pushed?.prepare(next)) ?? NOTHING;
    const pushed = await PushedInput.open(next, undefined, this.#log);
    await using opened = new AsyncDisposableStack();
    opened.use(pushed);
    const inputs = opened.use(await pushed.prepare(next, this.#isListening));
    const rest = opened.move();
    return {
      use: async () => {
        await inputs.use();
        this.pushed = pushed;
        rest.move();
      },
      [Symbol.asyncDispose]: () => rest.disposeAsync(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pushed?.[Symbol.asyncDispose]();
  }
}

const NOTHING: PreparedInputs = { use: async () => {}, [Symbol.asyncDispose]: async () => {} };
