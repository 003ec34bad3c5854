/** The configurations that a load's objects were routed by: whether the table has a column for each of their fields. */
export class RoutedBy {
  readonly #bytes = new Map<string, number>();
  readonly #covered: Map<string, boolean>;

  /** @param own the table's, whose columns it has */
  constructor(own: string) {
    this.#covered = new Map([[own, true]]);
  }

  add(config: string, bytes: number): void {
    this.#bytes.set(config, (this.#bytes.get(config) ?? 0) + bytes);
  }

  /** Those of which nobody has said so far whether they are covered. */
  get unknown(): string[] {
    return [...this.#bytes.keys()].filter((config) => !this.#covered.has(config));
  }

  know(config: string, isCovered: boolean): void {
    this.#covered.set(config, isCovered);
  }

  covers(config: string): boolean {
    return this.#covered.get(config) ?? false;
  }

  /** Of the objects whose rows have to be looked at, compressed. */
  get uncoveredBytes(): number {
    let sum = 0;
    for (const [config, bytes] of this.#bytes) if (!this.covers(config)) sum += bytes;
    return sum;
  }
}
