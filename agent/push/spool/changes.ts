import { EventEmitter, once } from "node:events";

/** Tells those who wait that something is different, for each to see what. */
export class Changes {
  readonly #emitter = new EventEmitter<{ change: [] }>().setMaxListeners(0);

  tell(): void {
    this.#emitter.emit("change");
  }

  /** Resolves at the next change. @throws AbortError */
  async next(signal: AbortSignal): Promise<void> {
    await once(this.#emitter, "change", { signal });
  }
}
