/** Names of one kind that a head lists at most, and their characters, of which JSON may make six bytes each. */
const MAX_NAMES = 4_096;
const MAX_CHARS = 2 ** 20;

/** Distinct names, unless they are too many for a head: then there is no telling. */
export class NameList {
  readonly #names = new Set<string>();
  #chars = 0;

  add(name: string): void {
    if (this.#isFull || this.#names.has(name)) return;
    this.#names.add(name);
    this.#chars += name.length;
  }

  get #isFull(): boolean {
    return this.#names.size > MAX_NAMES || this.#chars > MAX_CHARS;
  }

  /** Sorted; undefined when they were too many. */
  get names(): string[] | undefined {
    return this.#isFull ? undefined : [...this.#names].sort();
  }
}
