import { appendFile, copyFile, rename, rm, truncate, writeFile } from "node:fs/promises";

/** Numbers in [0, 1) that a seed decides. source: mulberry32, public domain */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one generation of the file held. */
interface Generation {
  text: string;
  /** Bytes were destroyed before they can be known to be delivered: a prefix is all that has to come. */
  mayLose: boolean;
}

/** Writes a log as services and logrotate do, all at once and at random, and remembers what it held. */
export class RandomWriter {
  readonly #path: string;
  readonly #random: () => number;
  readonly generations: Generation[] = [];
  #current: Generation;
  /** The agent has seen a whole line of it, and so knows it again in a copy. */
  #isKnown = false;
  #isDelivered = false;
  #line = 0;
  #rotated = 0;

  constructor(path: string, random: () => number) {
    this.#path = path;
    this.#random = random;
    this.#current = this.#next();
  }

  /** Call when the agent has looked at the file. */
  wasSeen(): void {
    this.#isKnown ||= this.#current.text.includes("\n");
  }

  /** Call when everything that has its line feed is delivered, and the agent's state says so. */
  wasDelivered(): void {
    this.#isDelivered = this.#current.text.endsWith("\n");
  }

  /** One thing that happens to a log. */
  async step(): Promise<void> {
    const die = this.#random();
    if (die < 0.7 || this.#current.text === "") return this.write();
    if (die < 0.82) return this.#rename();
    if (die < 0.9) return this.#copyTruncate();
    if (die < 0.95) return this.#truncate();
    return this.#delete();
  }

  async write(): Promise<void> {
    let text = "";
    const lines = 1 + Math.floor(this.#random() * 8);
    for (let i = 0; i < lines; i++) {
      text += `generation ${this.generations.length}, line ${this.#line++} ${"x".repeat(this.#random() * 90)}\n`;
    }
    // The next write goes on with the line that this one leaves.
    if (this.#random() < 0.3) text = text.slice(0, -1 - Math.floor(this.#random() * 20));
    await appendFile(this.#path, text);
    this.#current.text += text;
    this.#isDelivered = false;
  }

  /** The oldest generation has the highest number. */
  async #rename(): Promise<void> {
    await this.#shift();
    await rename(this.#path, `${this.#path}.1`);
    if (this.#random() < 0.5) await writeFile(this.#path, "");
    this.#current = this.#next();
  }

  async #copyTruncate(): Promise<void> {
    // Of a generation of which no agent saw a line, nobody can tell whose copy it is.
    this.#current.mayLose = !this.#isKnown;
    await this.#shift();
    // A copy that is looked at while it is being made cannot be told from a file of its own.
    await copyFile(this.#path, `${this.#path}.copy`);
    await rename(`${this.#path}.copy`, `${this.#path}.1`);
    await truncate(this.#path);
    this.#current = this.#next();
  }

  async #truncate(): Promise<void> {
    this.#current.mayLose = !this.#isDelivered;
    await truncate(this.#path);
    this.#current = this.#next();
  }

  async #delete(): Promise<void> {
    this.#current.mayLose = !this.#isDelivered;
    await rm(this.#path);
    this.#current = this.#next();
  }

  async #shift(): Promise<void> {
    for (let n = this.#rotated++; n >= 1; n--) {
      await rename(`${this.#path}.${n}`, `${this.#path}.${n + 1}`);
    }
  }

  #next(): Generation {
    const generation = { text: "", mayLose: false };
    this.generations.push(generation);
    this.#isKnown = false;
    this.#isDelivered = false;
    return generation;
  }

  /**
   * What does not agree with what was delivered, per source.
   *
   * @returns nothing when every generation came once and whole, but for what may be lost of it
   */
  problems(delivered: readonly string[]): string[] {
    const open = [...delivered];
    const problems: string[] = [];
    for (const [i, { text, mayLose }] of this.generations.entries()) {
      const at = open.findIndex((found) => found === text || (mayLose && text.startsWith(found)));
      if (at !== -1) open.splice(at, 1);
      else if (text !== "" && !mayLose) problems.push(`generation ${i + 1} did not come: ${excerpt(text)}`);
    }
    return [...problems, ...open.map((found) => `came, and was not written so: ${excerpt(found)}`)];
  }
}

function excerpt(text: string): string {
  return `${text.length} bytes, ${JSON.stringify(text.slice(0, 40))}...${JSON.stringify(text.slice(-40))}`;
}
