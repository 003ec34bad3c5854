import { appendFile, copyFile, readFile, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";

/** Files that are made within one tick of the clock they are stamped with have one age. */
const CLOCK_TICK_MS = 5;

/** Names of files that are alike; the second looks as if rotation had made it. */
const LOOK_ALIKES = ["b", "a-"] as const;

/** Modification time so long ago that no agent waits for more to be written to the file. */
const LONG_AGO_S = 1e9;

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
  /** The agent has seen a whole line of it, and so knows it again in a copy. */
  isKnown: boolean;
  /** It is in a copy whose original went before an agent looked: that may be a file of its own. */
  mayRepeat: boolean;
}

/** Writes a log as services and logrotate do, all at once and at random, and remembers what it held. */
export class RandomWriter {
  readonly #path: string;
  readonly #random: () => number;
  readonly generations: Generation[] = [];
  #current: Generation;
  #isDelivered = false;
  /** Copied since an agent has looked. */
  #copied: Generation[] = [];
  /** What is left to do of the rotation that has begun. */
  readonly #parts: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  #line = 0;
  /** Endings of the rotated files, that of `.1` first. */
  readonly #endings: string[] = [];
  /** Generation that `.1` holds, once it is made. */
  #rotated: Generation | undefined;
  #lookAlikes = 0;

  constructor(path: string, random: () => number) {
    this.#path = path;
    this.#random = random;
    this.#current = this.#next();
  }

  /** Call before the agent looks at the file, and what it returns once it has looked. */
  beforeLook(): () => void {
    const generation = this.#current;
    const hasLine = generation.text.includes("\n");
    const copied = new Set(this.#copied);
    return () => {
      // One that was rotated meanwhile may not have been at its path when the agent looked there.
      generation.isKnown ||= hasLine && generation === this.#current;
      this.#copied = this.#copied.filter((one) => !copied.has(one));
    };
  }

  /** Call when everything that has its line feed is delivered, and the agent's state says so. */
  wasDelivered(): void {
    this.#isDelivered = this.#current.text.endsWith("\n");
  }

  /** One thing that happens to a log, from beginning to end. */
  async step(): Promise<void> {
    await this.stepPart();
    await this.finish();
  }

  /** One operation on the file system; a rotation consists of several. @returns what it was */
  async stepPart(): Promise<string> {
    if (this.#parts.length === 0) this.#begin();
    const { name, run } = this.#parts.shift()!;
    await run();
    return name;
  }

  /** Goes through with what has begun. */
  async finish(): Promise<void> {
    for (let part = this.#parts.shift(); part; part = this.#parts.shift()) await part.run();
  }

  #then(name: string, run: () => Promise<unknown>): void {
    this.#parts.push({ name, run: async () => void (await run()) });
  }

  #begin(): void {
    const die = this.#random();
    if (die < 0.62 || this.#current.text === "") this.#then("write", () => this.write());
    else if (die < 0.66) this.#makeLookAlike();
    else if (die < 0.7 && this.#endings[0] === "") this.#compress();
    else if (die < 0.82) this.#rename();
    else if (die < 0.9) this.#copyTruncate();
    else if (die < 0.95) this.#truncate();
    else this.#delete();
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
  #rename(): void {
    this.#shift();
    this.#then("move away", async () => {
      await rename(this.#path, `${this.#path}.1`);
      await sleep(CLOCK_TICK_MS);
      this.#rotated = this.#current;
      this.#current = this.#next();
    });
    if (this.#random() < 0.5) this.#then("create", () => writeFile(this.#path, ""));
    if (this.#random() < 0.3) this.#compress();
  }

  /** As gzip and zstd do it: the original is there until the whole of it is compressed. */
  #compress(): void {
    const [ending, pack] = this.#random() < 0.5 ? [".gz", gzipSync] : [".zst", zstdCompressSync];
    this.#endings[0] = ending;
    const part = this.#random();
    let packed: Buffer = Buffer.alloc(0);
    this.#then("begin to compress .1", async () => {
      // What no agent knows by its first line, none knows again.
      this.#rotated!.mayLose ||= !this.#rotated!.isKnown;
      packed = pack(await readFile(`${this.#path}.1`));
      await writeFile(`${this.#path}.1${ending}`, packed.subarray(0, packed.length * part));
    });
    this.#then("compress .1", () => writeFile(`${this.#path}.1${ending}`, packed));
    this.#then("remove .1", () => this.#remove(`${this.#path}.1`));
  }

  /** Another file that holds the same so far, and perhaps goes on in its own way. */
  #makeLookAlike(): void {
    const name = `${LOOK_ALIKES[this.#lookAlikes % 2]}${this.#lookAlikes++}.log`;
    const path = join(dirname(this.#path), name);
    const generation = this.#add();
    this.#then(`make ${name}`, async () => {
      generation.text = this.#current.text;
      await writeFile(path, generation.text);
      await utimes(path, LONG_AGO_S, LONG_AGO_S);
    });
    if (this.#random() < 0.5) return;
    this.#then(`write ${name}`, async () => {
      generation.text += `${name} goes on\n`;
      await appendFile(path, `${name} goes on\n`);
      await utimes(path, LONG_AGO_S, LONG_AGO_S);
    });
  }

  #copyTruncate(): void {
    // Of a generation of which no agent saw a line, nobody can tell whose copy it is.
    this.#current.mayLose = !this.#current.isKnown;
    this.#shift();
    this.#then("begin a copy", () => writeFile(`${this.#path}.1`, ""));
    this.#then("copy a part", () => this.#copyPart());
    this.#then("copy", () => copyFile(this.#path, `${this.#path}.1`));
    this.#then("truncate", () => this.#emptyCopied());
    if (this.#random() < 0.3) this.#compress();
  }

  async #copyPart(): Promise<void> {
    await appendFile(
      `${this.#path}.1`,
      this.#current.text.slice(0, this.#random() * this.#current.text.length),
    );
  }

  #truncate(): void {
    this.#current.mayLose = !this.#isDelivered;
    this.#then("truncate", () => this.#empty());
  }

  async #emptyCopied(): Promise<void> {
    this.#rotated = this.#current;
    this.#copied.push(this.#current);
    await this.#empty();
  }

  async #empty(): Promise<void> {
    await truncate(this.#path);
    this.#current = this.#next();
  }

  #delete(): void {
    this.#current.mayLose = !this.#isDelivered;
    this.#then("delete", async () => {
      await this.#remove(this.#path);
      await sleep(CLOCK_TICK_MS);
      this.#current = this.#next();
    });
  }

  /** What was copied from it and truncated is nowhere but in the copy. */
  async #remove(path: string): Promise<void> {
    for (const generation of this.#copied) generation.mayRepeat = true;
    await rm(path);
  }

  #shift(): void {
    for (let n = this.#endings.length; n >= 1; n--) {
      const ending = this.#endings[n - 1]!;
      this.#then(`move .${n}${ending} to .${n + 1}`, () =>
        rename(`${this.#path}.${n}${ending}`, `${this.#path}.${n + 1}${ending}`),
      );
    }
    this.#endings.unshift("");
  }

  #next(): Generation {
    this.#isDelivered = false;
    return this.#add();
  }

  #add(): Generation {
    const generation = { text: "", mayLose: false, isKnown: false, mayRepeat: false };
    this.generations.push(generation);
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
    const take = (isIt: (found: string) => boolean): boolean => {
      const at = open.findIndex(isIt);
      if (at !== -1) open.splice(at, 1);
      return at !== -1;
    };
    // Whole ones first: a short one may well begin another. Of those that are alike, one may be lost, the other not.
    const surestFirst = this.generations.toSorted((a, b) => Number(a.mayLose) - Number(b.mayLose));
    const partial = surestFirst.filter(({ text }) => !take((found) => found === text));
    for (const { text, mayLose } of partial) {
      if (mayLose) take((found) => text.startsWith(found));
      else if (text !== "") problems.push(`a generation did not come: ${excerpt(text)}`);
    }
    for (const { text, mayRepeat } of this.generations)
      if (mayRepeat) take((found) => text.startsWith(found));
    return [...problems, ...open.map((found) => `came, and was not written so: ${excerpt(found)}`)];
  }
}

function excerpt(text: string): string {
  return `${text.length} bytes, ${JSON.stringify(text.slice(0, 40))}...${JSON.stringify(text.slice(-40))}`;
}
