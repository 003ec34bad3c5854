import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { destination, type DestinationStream } from "pino";

const STDERR = 2;

/** Limit of the lines that wait while nobody reads them. */
const MAX_BYTES = 2 ** 20;

/** Last words wait for so long for somebody who reads them. */
const LAST_WORDS_MS = 1_000;

/**
 * The log on stderr. Whoever has it in a pipe and does not read it, as a stalled journal does, must not stop the
 * agent: lines that find no room are left out, and their number is told once there is some.
 */
export class LogStream implements DestinationStream {
  readonly #pipe: Socket | undefined;
  readonly #file: DestinationStream | undefined;
  #leftOut = 0;

  constructor(fd: number = STDERR) {
    const found = fstatSync(fd);
    if (found.isFIFO() || found.isSocket()) {
      this.#pipe = new Socket({ fd, readable: false, writable: true });
      // Nobody is there to read it any more.
      this.#pipe.on("error", () => {});
    } else {
      // Synchronous, so that the last words of a process that ends are not lost. Log lines are few.
      this.#file = destination({ fd, sync: true });
    }
  }

  write(line: string): void {
    this.#file?.write(line);
    const pipe = this.#pipe;
    if (pipe === undefined || !pipe.writable) return;
    if (pipe.writableLength + line.length > MAX_BYTES) this.#leftOut++;
    else {
      if (this.#leftOut > 0) pipe.write(leftOutLine(this.#leftOut));
      this.#leftOut = 0;
      pipe.write(line);
    }
  }

  /** Call when there is nothing more to say. @returns false when nobody has read all of it in time */
  async end(): Promise<boolean> {
    const pipe = this.#pipe;
    if (pipe === undefined || pipe.destroyed || pipe.writableLength === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, LAST_WORDS_MS, false);
    pipe.write("", () => resolve(true));
    const isRead = await promise;
    clearTimeout(timer);
    return isRead;
  }
}

function leftOutLine(count: number): string {
  const line = {
    level: 40,
    time: Date.now(),
    lines: count,
    msg: "lines of this log were left out: nobody read it",
  };
  return `${JSON.stringify(line)}\n`;
}
