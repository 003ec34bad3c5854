import { appendFile, copyFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { countFile, type TypeTruth } from "../../local/reconcile/truth.ts";
import type { LineMaker } from "../../local/traffic/line-maker.ts";
import type { RejectReason } from "../../wire/reject.ts";
import type { Random } from "../../local/traffic/random.ts";

/** Share of lines that have to be rejected. */
const BAD_SHARE = 0.02;

/** Writes the log of a type, as a service and logrotate do. Every generation stays, for the truth to be read from. */
export class LogWriter {
  readonly type: string;
  readonly path: string;
  /** Lines that become rows, and those that must not. */
  readonly lines = { good: 0, bad: 0 };
  readonly #maker: LineMaker;
  readonly #random: Random;
  readonly #mustReject: Partial<Record<RejectReason, number>> = {};
  #generations = 1;
  /** What is done to the log, one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(dir: string, maker: LineMaker, random: Random) {
    this.type = maker.type;
    this.path = join(dir, `${maker.type}.log`);
    this.#maker = maker;
    this.#random = random;
  }

  write(count: number): Promise<void> {
    return this.#next(async () => {
      const text = Array.from({ length: count }, () => `${this.#line()}\n`).join("");
      // In two writes, so that a reader meets half a line.
      const cut = this.#random.below(text.length);
      await appendFile(this.path, text.slice(0, cut));
      await appendFile(this.path, text.slice(cut));
    });
  }

  rename(): Promise<void> {
    return this.#next(async () => {
      await this.#makeRoom();
      await rename(this.path, this.#older(1));
      await writeFile(this.path, "");
    });
  }

  /** Nothing is written meanwhile: what comes between copy and truncation is lost to any reader. */
  copyTruncate(): Promise<void> {
    return this.#next(async () => {
      await this.#makeRoom();
      await copyFile(this.path, this.#older(1));
      await truncate(this.path);
    });
  }

  async truth(): Promise<TypeTruth> {
    const paths = [this.path, ...Array.from({ length: this.#generations - 1 }, (_, i) => this.#older(i + 1))];
    return { files: await Promise.all(paths.map((path) => countFile(path))), mustReject: this.#mustReject };
  }

  #next(work: () => Promise<void>): Promise<void> {
    return (this.#last = this.#last.then(work));
  }

  async #makeRoom(): Promise<void> {
    for (let age = this.#generations - 1; age >= 1; age--)
      await rename(this.#older(age), this.#older(age + 1));
    this.#generations++;
  }

  #older(age: number): string {
    return `${this.path}.${age}`;
  }

  #line(): string {
    const random = this.#random;
    if (!random.chance(BAD_SHARE)) {
      this.lines.good++;
      return this.#maker.line(random, new Date());
    }
    this.lines.bad++;
    const { reason, line } = random.pick(this.#maker.bad);
    this.#mustReject[reason] = (this.#mustReject[reason] ?? 0) + 1;
    return line(random, new Date());
  }
}
