import type { Logger } from "pino";
import { systemReason } from "../../agent-error.ts";
import { backOff } from "../../kinesis/backoff.ts";
import { HEAD_BYTES } from "./section-head.ts";
import type { OpenSegment, Segments } from "./segments.ts";

export interface SegmentWriterOptions {
  readonly segments: Segments;
  /** Of the spool, for the log. */
  readonly path: string;
  readonly log: Logger;
  /** Ends every wait. */
  readonly closing: AbortSignal;
}

/**
 * Writes to the last segment until it succeeds. After a failure it goes on in a new one: after a failed
 * sync nobody knows what a file holds.
 */
export class SegmentWriter {
  /** Why nothing can be written at present. */
  error: string | undefined;
  /** By what the system was asked to do. */
  readonly failures = new Map([
    ["open", 0],
    ["write", 0],
    ["fdatasync", 0],
  ]);
  readonly #options: SegmentWriterOptions;
  #active: OpenSegment | undefined;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Tries until it succeeds: a full or failing disk is waited for. @throws AbortError on closing */
  async persist(action: () => Promise<unknown>): Promise<void> {
    const { log, path, closing } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        await action();
        if (this.error !== undefined) log.info({ spool: path }, "the spool can be written again");
        this.error = undefined;
        return;
      } catch (error) {
        this.#failed(error);
        await this.retire();
      }
      await backOff(attempt, closing);
    }
  }

  #failed(error: unknown): void {
    const { log, path } = this.#options;
    const reason = systemReason(error);
    const { syscall = "other" } = error as NodeJS.ErrnoException;
    this.failures.set(syscall, (this.failures.get(syscall) ?? 0) + 1);
    if (reason !== this.error) log.error({ spool: path, reason }, "the spool cannot be written");
    this.error = reason;
  }

  /** The segment that takes these bytes next. */
  async room(bytes: number, segmentBytes: number): Promise<OpenSegment> {
    const active = this.#active;
    const isFull = active && active.bytes > HEAD_BYTES && active.bytes + bytes > segmentBytes;
    return active === undefined || isFull ? this.roll() : active;
  }

  /** Begins another segment. */
  async roll(): Promise<OpenSegment> {
    await this.retire();
    return (this.#active = await this.#options.segments.create());
  }

  async retire(): Promise<void> {
    const { file } = this.#active ?? {};
    this.#active = undefined;
    // What matters of it is synced.
    await file?.close().catch(() => {});
  }
}
