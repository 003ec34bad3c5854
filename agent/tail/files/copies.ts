import { type FileIdentity, lastingKey } from "../disk/file-identity.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { FileStat } from "../disk/file-stat.ts";

/** Of fewer copies it does not matter how many are gone. */
const SWEPT_AT = 1_000;

/** A file that holds what another one held, as copytruncate makes them. */
export interface Copy {
  readonly file: FileIdentity;
  readonly size: number;
  /** When it was last changed. Undefined where that was not written down. */
  readonly mtimeNs?: string | undefined;
  /** Id of the source that its bytes were, or are still to be, delivered from. */
  readonly of: string;
}

/** The copies that are known: none of their bytes is to be delivered twice. */
export class Copies {
  readonly #copies = new Map<string, Copy>();
  #sweptAt = SWEPT_AT;

  constructor(copies: readonly Copy[]) {
    for (const copy of copies) this.#copies.set(lastingKey(copy.file), copy);
  }

  get all(): Copy[] {
    return [...this.#copies.values()];
  }

  find(file: FileIdentity): Copy | undefined {
    return this.#copies.get(lastingKey(file));
  }

  add({ file, size, mtimeNs }: FileStat, original: FollowedFile): void {
    this.#copies.set(lastingKey(file), { file, size, mtimeNs, of: original.source.id });
  }

  /** Some of them may be gone. */
  get areMany(): boolean {
    return this.#copies.size > this.#sweptAt;
  }

  /** Forgets all but those that are there. */
  keep(files: Iterable<FileIdentity>): void {
    const there = new Set(Array.from(files, lastingKey));
    for (const key of this.#copies.keys()) if (!there.has(key)) this.#copies.delete(key);
    this.#sweptAt = Math.max(SWEPT_AT, 2 * this.#copies.size);
  }

  /** What was delivered of a source may go on in one of them. */
  hasOneOf({ source }: FollowedFile): boolean {
    return this.#copies.values().some((copy) => copy.of === source.id);
  }

  delete(file: FileIdentity): void {
    this.#copies.delete(lastingKey(file));
  }
}
