import type { Commit } from "../../wire/commit.ts";

interface Cached {
  readonly commit: Promise<Commit>;
  readonly bytes: number;
}

/** Commits that a tick has read for one table and may need for the next: the last ones, up to a size. */
export class CommitCache {
  readonly #maxBytes: number;
  readonly #commits = new Map<string, Cached>();
  #bytes = 0;

  /** @param maxBytes of their text */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): Promise<Commit> | undefined {
    return this.#commits.get(key)?.commit;
  }

  set(key: string, commit: Promise<Commit>, bytes: number): void {
    this.#commits.set(key, { commit, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes }] of this.#commits) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#commits.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
