import { type FileIdentity, identityKey } from "./file-identity.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { Sighting } from "./sighting.ts";

/** More copies than anybody keeps beside their logs. */
const REMEMBERED_COPIES = 1_000;

/** A file that holds what another one held, as copytruncate makes them. */
export interface Copy {
  readonly file: FileIdentity;
  readonly size: number;
  /** Id of the source that its bytes were, or are still to be, delivered from. */
  readonly of: string;
}

/** The copies that are known: none of their bytes is to be delivered twice. */
export class Copies {
  readonly #copies = new Map<string, Copy>();

  constructor(copies: readonly Copy[]) {
    for (const copy of copies) this.#copies.set(identityKey(copy.file), copy);
  }

  get all(): Copy[] {
    return [...this.#copies.values()];
  }

  find(file: FileIdentity): Copy | undefined {
    return this.#copies.get(identityKey(file));
  }

  add({ file, size }: Sighting, original: FollowedFile): void {
    this.#copies.set(identityKey(file), { file, size, of: original.source.id });
    if (this.#copies.size > REMEMBERED_COPIES) this.#copies.delete(this.#copies.keys().next().value!);
  }

  delete(file: FileIdentity): void {
    this.#copies.delete(identityKey(file));
  }
}
