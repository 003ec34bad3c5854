const LINES_PER_PART = 200;
const PARTS = 32;
const LINE_CHARS = 4_000;

export interface RecentLine {
  /** ISO 8601. */
  readonly at: string;
  readonly text: string;
}

/** How metrics begin that a function prints for CloudWatch: there are so many that they would push out all else. */
const METRICS = '{"_aws"';

/** What parts printed last, so that a page can show it: all of it is in the run's weir.log. */
export class RecentLines {
  readonly #parts = new Map<string, RecentLine[]>();

  /** Notes what a part prints, and hands it on. */
  noted(log: (part: string, line: string) => void): (part: string, line: string) => void {
    return (part, line) => {
      this.#add(part, line);
      log(part, line);
    };
  }

  get parts(): string[] {
    return [...this.#parts.keys()];
  }

  /** Oldest first. */
  of(part: string): readonly RecentLine[] {
    return this.#parts.get(part) ?? [];
  }

  #add(part: string, line: string): void {
    if (line.startsWith(METRICS)) return;
    let lines = this.#parts.get(part);
    if (!lines) {
      if (this.#parts.size === PARTS) return;
      this.#parts.set(part, (lines = []));
    }
    const text = line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line;
    if (lines.push({ at: new Date().toISOString(), text }) > LINES_PER_PART) lines.shift();
  }
}
