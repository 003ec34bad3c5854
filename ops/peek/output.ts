import { once } from "node:events";
import type { Writable } from "node:stream";

/** Text for whoever reads it, at their speed: nothing more is made while they do not. */
export class Output {
  readonly #out: Writable;
  readonly #signal: AbortSignal;

  /**
   * @param signal ends the wait for a slow reader
   * @param onGone told when nobody reads any more, as after `| head`; it is to abort `signal`
   */
  constructor(out: Writable, signal: AbortSignal, onGone: () => void) {
    this.#out = out;
    this.#signal = signal;
    out.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      onGone();
    });
  }

  async write(text: string): Promise<void> {
    if (this.#out.write(text)) return;
    await once(this.#out, "drain", { signal: this.#signal }).catch((error: Error) => {
      if (!this.#signal.aborted) throw error;
    });
  }
}
